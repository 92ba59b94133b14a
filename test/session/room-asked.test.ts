/** Who is given room for a long item, and when (spec/streams.md, F13). */
import { describe, expect, it, vi } from 'vitest'
import { Room, type RoomSeeker } from '../../src/session/room.ts'

const seeker = (isAwaited = false): RoomSeeker & { isAwaited: boolean } => ({ isAwaited, roomGranted: vi.fn() })

/** Room for one item, which somebody has. */
function taken() {
  const room = new Room(1_000, 1_000)
  const first = seeker()
  room.seek(first)
  expect(first.roomGranted).toHaveBeenCalledOnce()
  return room
}

describe('room', () => {
  it('is for one item at least, however long one may be', () => {
    expect(new Room(1_000, 4_000).itemBytes).toBe(1_000)
    expect(new Room(4_000, 1_000).itemBytes).toBe(1_000)
    const room = new Room(1_000, 4_000)
    const one = seeker()
    room.seek(one)
    expect(one.roomGranted).toHaveBeenCalledOnce()
  })

  it('is granted when it is given back, whole, and once', () => {
    const room = taken()
    const second = seeker()
    room.seek(second)
    room.giveBack(999)
    expect(second.roomGranted).not.toHaveBeenCalled()
    room.giveBack(1)
    room.giveBack(1_000)
    expect(second.roomGranted).toHaveBeenCalledOnce()
  })

  it('is granted beyond all there is to one that somebody waits for, once there is no more than that missing', () => {
    const room = taken()
    const second = seeker()
    room.seek(second)
    second.isAwaited = true
    expect(second.roomGranted).not.toHaveBeenCalled()
    room.awaited()
    expect(second.roomGranted).toHaveBeenCalledOnce()
    const third = seeker(true)
    room.seek(third) // the second has what is not there
    expect(third.roomGranted).not.toHaveBeenCalled()
    room.giveBack(1_000)
    expect(third.roomGranted).toHaveBeenCalledOnce()
  })

  it('is not kept for one that has left', () => {
    const room = taken()
    const [second, third] = [seeker(), seeker()]
    room.seek(second)
    room.seek(third)
    room.leave(second)
    room.giveBack(1_000)
    expect(second.roomGranted).not.toHaveBeenCalled()
    expect(third.roomGranted).toHaveBeenCalledOnce()
  })

  it('widens a window by half of what two items leave, and not while anybody asks for an item', () => {
    const room = new Room(4_000, 1_000) // of which 2,000 are for two items
    expect(room.widen(1_001)).toBe(false)
    expect(room.widen(1_000)).toBe(true)
    expect(room.widen(501)).toBe(false)
    expect(room.widen(500)).toBe(true)
    room.giveBack(1_500)
    for (let granted = 0; granted < 4; granted++) room.seek(seeker())
    const waiting = seeker()
    room.seek(waiting)
    expect(waiting.roomGranted).not.toHaveBeenCalled()
    expect(room.widen(0)).toBe(false)
    room.leave(waiting)
    room.giveBack(4_000)
    expect(room.widen(1_000)).toBe(true)
  })

  it('is nobody’s any more once it is closed', () => {
    const room = taken()
    const second = seeker(true)
    room.close()
    room.seek(second)
    room.giveBack(1_000_000)
    expect(second.roomGranted).not.toHaveBeenCalled()
    expect(room.widen(1)).toBe(false)
  })
})
