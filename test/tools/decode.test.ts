/** `nanowire decode`: what it takes, and how it shows frames and what breaks a rule. */
import { describe, expect, it } from 'vitest'
import { FakeIo, runCommand } from './fake-io.ts'
import { command, Greeter } from './greeter.ts'

describe('decode', () => {
  const ping = '00 00 08 0a 00 00000000 0102030405060708'

  it('names each field, with its offset', async () => {
    const { exitCode, out } = await command('decode', ping)
    expect(exitCode).toBe(0)
    expect(out.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      'PING, 17 bytes at 0',
      '0 length 8',
      '3 kind PING',
      '4 flags none',
      '5 id 0',
      "9 payload h'0102030405060708'",
    ])
  })

  it('names each item of a stream, and the gap before them', async () => {
    const { exitCode, out } = await command('decode', '00000a 05 06 00000001 00000007 01 a178 920203')
    expect(exitCode).toBe(0)
    expect(out.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual([
      'DATA, 19 bytes at 0',
      '0 length 10',
      '3 kind DATA',
      '4 flags GAP WAIT',
      '5 id 1',
      '9 left out 7',
      '13 item 1',
      '14 item "x"',
      '16 item [2, 3]',
    ])
  })

  it.each([
    ['spaces between arguments', ping.split(' ')],
    ['colons', [ping.replace(/ /g, '').replace(/..(?!$)/g, '$&:')]],
    ['0x and line breaks', ['0x0000080A\n0x00,0x00000000\r\n0X0102030405060708']],
  ])('takes hexadecimal with %s', async (_, words) => {
    expect(await command('decode', ...words)).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('PING, 17 bytes'),
    })
  })

  it('takes bytes and hexadecimal from stdin', async () => {
    const io = new FakeIo()
    io.stdin = ping
    expect((await runCommand(['decode', '-'], io)).out).toContain('PING, 17 bytes')
    io.stdin = Buffer.from(ping.replace(/ /g, ''), 'hex').toString('latin1')
    expect((await runCommand(['decode', '-', '--json'], io)).exitCode).toBe(0)
  })

  it('names the method of a tag', async () => {
    const tag = Greeter.tags.hello.toString(16).padStart(8, '0')
    const request = (hex: string) => `000009 03 00 00000001 ${hex} 00000000 80`
    const decode = (hex: string) => command('decode', request(hex), '--contract', './greeter.js')
    expect((await decode(tag)).out).toMatch(new RegExp(`tag +0x${tag}\n +9 +method +greeter/hello\n`))
    expect((await decode('00000001')).out).toMatch(/tag +0x00000001\n +9 +method +none of this contract\n/)
    expect((await command('decode', request(tag))).out).not.toContain('method')
  })

  it('prints one line of JSON', async () => {
    const { exitCode, out } = await command(
      'decode',
      `${ping} 000003 05 00 00000001 93 05 c401ff`.replace('000003', '000005'),
      '--json',
    )
    expect(exitCode).toBe(1)
    const { frames, unread } = JSON.parse(out)
    expect(unread).toBe(0)
    expect(frames[0]).toMatchObject({ kind: 'PING', offset: 0, length: 17 })
    expect(frames[0].fields.at(-1)).toEqual({
      name: 'payload',
      offset: 9,
      length: 8,
      value: { $bytes: '0102030405060708' },
    })
    expect(frames[1].problem).toMatchObject({ rule: 'truncated', offset: 31 })
  })

  it.each([
    ['a breach of the framing', `${ping} 00000000 00 00000000 ff`, / 20 +!! frame_kind: .*\n\n1 bytes follow/],
    ['a body that is none', '000002 04 00 00000001 91 c1', / 10 +!! reserved_byte: /],
    [
      'a tail that is cut',
      ping.slice(0, -2),
      /cut body +h'01020304050607'\n +16 +!! truncated: .* 7 of the 8 bytes of the body/,
    ],
    ['something else', Buffer.from('HTTP/1.1 200 OK').toString('hex'), / 0 +!! not_nanowire: /],
  ])('shows %s at its place, exit 1', async (_, hex, shown) => {
    expect(await command('decode', hex)).toMatchObject({ exitCode: 1, out: expect.stringMatching(shown) })
  })

  it.each([
    ['0102030', '7 hexadecimal digits are no whole number of bytes'],
    ['./nothing.bin', '"./nothing.bin" is no file, and no hexadecimal: it has "."'],
    ['', 'there is nothing to decode'],
  ])('%j is wrong use', async (word, message) => {
    expect(await command('decode', word)).toEqual({ exitCode: 2, out: '', err: `error: ${message}` })
  })
})
