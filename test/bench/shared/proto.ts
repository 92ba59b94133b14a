/**
 * bench.proto as @grpc/grpc-js takes it, and as descriptors of protobuf-es for ConnectRPC and the codecs. Nothing is
 * generated: both read the file when they start.
 */
import { fileURLToPath } from 'node:url'
import { create, createFileRegistry, type DescMessage, type DescService, fromBinary } from '@bufbuild/protobuf'
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader'

/** It is beside the folder of this file, and beside that of the bundle which this becomes part of. */
export const definition = loadSync(fileURLToPath(new URL('../bench.proto', import.meta.url)))

const { fileDescriptorProtos } = definition['bench.Order'] as MessageTypeDefinition<object, object> // bench.proto has it
const file = fileDescriptorProtos.map((bytes) => qualify(fromBinary(FileDescriptorProtoSchema, bytes)))
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }))

/** proto-loader writes the names of types as they stand in the file; descriptors have to name them in full. */
function qualify(descriptor: FileDescriptorProto): FileDescriptorProto {
  const inFull = (name: string) => (name === '' || name.startsWith('.') ? name : `.bench.${name}`)
  for (const { field: fields } of descriptor.messageType) {
    for (const field of fields) field.typeName = inFull(field.typeName)
  }
  for (const method of descriptor.service.flatMap((service) => service.method)) {
    method.inputType = inFull(method.inputType)
    method.outputType = inFull(method.outputType)
  }
  return descriptor
}

export function messageOf(name: string): DescMessage {
  const message = registry.getMessage(`bench.${name}`)
  if (message === undefined) throw new Error(`bench.proto has no message ${name}`)
  return message
}

export function serviceOf(name: string): DescService {
  const service = registry.getService(`bench.${name}`)
  if (service === undefined) throw new Error(`bench.proto has no service ${name}`)
  return service
}
