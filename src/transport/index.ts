export { ByteLink } from './byte-link.ts'
export { type Carry, type MemoryLink, type MemoryPairOptions, memoryPair } from './memory.ts'
export {
  dialTcp,
  type FirstBytes,
  listenTcp,
  type TcpAddress,
  type TcpContext,
  type TcpLink,
  type TcpListener,
} from './tcp.ts'
