export { ByteLink } from './byte-link.ts'
export { type Carry, type MemoryLink, memoryPair } from './memory.ts'
export {
  dialTcp,
  type FirstBytes,
  listenTcp,
  type TcpAddress,
  type TcpLink,
  type TcpListener,
} from './tcp.ts'
