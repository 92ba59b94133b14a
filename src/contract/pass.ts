/**
 * What happens to a checked value on its way: undeclared properties are dropped, and what MessagePack cannot say
 * exactly is put so that it can (spec/types.md). Copies are made only where something changes. One pass for each
 * direction, built from the shape once. Invariant: what a pass returns is what the other side sees, in every place.
 */

import type { Bounds } from './bounds.ts'
import { type Direction, isInbound, leafPass, negativeZero, type Pass, same, sequence } from './leaf.ts'
import { intersectOf, isUnknown, mergeObjects, partsOf } from './merge.ts'
import { firstMisfit, isObject, Misfit, seemsMeant } from './misfit.ts'
import { copyUntil, inOrder, isPlain, requireOwn } from './plain.ts'
import { requireName, requireSafe } from './safe.ts'
import type { IntersectShape, ObjectShape, PropertyShape, Shape, UnionShape } from './shape.ts'
import { checkOf } from './validator.ts'

/** A branch of a union that a value fits, and what it makes of the value. */
interface Fit {
  readonly index: number
  readonly branch: Shape
  readonly after: unknown
}

/** Builds the passes of one direction; recursive shapes refer back to what is being built. */
export class PassBuilder {
  readonly #direction: Direction
  readonly #bounds: Bounds
  readonly #passes = new Map<Shape, Pass>()
  #fits: Map<object, Map<UnionShape, readonly Fit[]>> | undefined

  constructor(direction: Direction, bounds: Bounds) {
    this.#direction = direction
    this.#bounds = bounds
  }

  get #isOutbound(): boolean {
    return !isInbound(this.#direction)
  }

  passOf(shape: Shape): Pass {
    const known = this.#passes.get(shape)
    if (known) return known
    let built: Pass | undefined
    this.#passes.set(shape, (value) => (built ? built(value) : value)) // what a recursion meets until this is built
    built = this.#build(shape)
    this.#passes.set(shape, built)
    return built
  }

  #build(shape: Shape): Pass {
    switch (shape.kind) {
      case 'ref':
        return this.passOf(shape.target())
      case 'array':
        return arrayPass(this.passOf(shape.item), this.#isOutbound)
      case 'tuple':
        return tuplePass(
          shape.items.map((item) => this.passOf(item)),
          this.#isOutbound,
        )
      case 'object':
        return this.#objectPass(shape)
      case 'union':
        return this.#unionPass(shape)
      case 'intersect':
        return this.#intersectPass(shape)
      case 'unknown':
        if (!this.#isOutbound) return same // the walk over the bytes has bounded it
        return requireSafe(this.#direction === 'toWire' ? negativeZero : undefined, this.#bounds)
      default:
        return leafPass(shape.kind === 'literal' ? shape : shape.kind, this.#direction)
    }
  }

  #objectPass(shape: ObjectShape): Pass {
    const declared = [...shape.properties.keys()]
    const passes = new Map(declared.map((name) => [name, this.passOf(propertyOf(shape, name).shape)]))
    const patterns = shape.patterns.map(({ regExp, shape: inner }) => ({ regExp, inner, pass: this.passOf(inner) }))
    const rest = typeof shape.rest === 'string' ? undefined : this.passOf(shape.rest)
    const places = new Map(declared.map((name, place) => [name, place]))
    const keepsRest = shape.rest === 'refuse' // the schema's own check refuses them
    const dropsUndefined = this.#direction === 'toWire'
    const outbound = this.#isOutbound

    /** The pass of an own property, or `undefined` where it is to be dropped. */
    const passFor = (name: string): Pass | undefined => {
      const own = passes.get(name)
      if (own) return own
      const pattern = patterns.find(({ regExp }) => regExp.test(name))
      const pass = pattern?.pass ?? rest ?? (keepsRest ? same : undefined)
      if (pass && outbound) requireName(name)
      return pass && pattern && LINE_BREAK.test(name) ? checkedPass(pattern.inner, pass, outbound) : pass
    }

    return (value) => {
      if (!isObject(value)) return value
      if (value instanceof Uint8Array || value instanceof Date) throw new Misfit('must be an object') // TypeBox takes these for objects
      const names = Object.keys(value)
      if (outbound) requireOwn(shape, value)
      let copy: Record<string, unknown> | undefined = outbound && !isPlain(value, names.length) ? {} : undefined
      for (const name of names) {
        const pass = passFor(name)
        const before = pass && value[name] // what is not declared is not even looked at
        const isAbsent = before === undefined && outbound && isOptional(shape, name)
        if (!pass || (isAbsent && dropsUndefined)) {
          copy ??= copyUntil(value, name)
          continue
        }
        const after = isAbsent ? before : passWithin(pass, before, name)
        if (!copy && after !== before) copy = copyUntil(value, name)
        if (copy) copy[name] = after
      }
      const passed = copy ?? value
      return dropsUndefined && names.length > 0 ? inOrder(places, passed) : passed
    }
  }

  #unionPass(shape: UnionShape): Pass {
    const branches = shape.branches.map((branch) => ({ branch, pass: this.passOf(branch) }))
    if (branches.every(({ pass }) => pass === same)) return same
    const merged = new Map<string, Pass>()
    return (value) => {
      const fitting = this.#fitting(shape, value)
      const [first] = fitting
      const open = fitting.find(({ branch }) => isUnknown(branch))
      if (open) return open.after // it declares everything
      if (!first) return this.#unfit(shape, value)
      if (fitting.length === 1 || !(isObject(value) || Array.isArray(value))) {
        return (fitting.find((one) => one.after === value) ?? first).after
      }
      const key = fitting.map((one) => one.index).join()
      let pass = merged.get(key)
      if (!pass) {
        pass = this.#build({ ...shape, kind: 'intersect', parts: fitting.map((one) => one.branch) })
        merged.set(key, pass)
      }
      return pass(value)
    }
  }

  /** The pass of a whole value: what its unions were found to fit is remembered until it ends. */
  wholePassOf(shape: Shape): Pass {
    const pass = this.passOf(shape)
    return (value) => {
      this.#fits = undefined
      try {
        return pass(value)
      } finally {
        this.#fits = undefined
      }
    }
  }

  /**
   * The branches that a value fits, and what each makes of it. A property is declared if any of them declares it.
   * Found once for each value, or each level of a recursion that no literal tells apart would double the work.
   */
  #fitting(shape: UnionShape, value: unknown): readonly Fit[] {
    if (typeof value !== 'object' || value === null) return this.#fit(shape, value)
    this.#fits ??= new Map()
    const known = this.#fits.get(value) ?? new Map<UnionShape, readonly Fit[]>()
    this.#fits.set(value, known)
    const before = known.get(shape)
    if (before) return before
    const fits = this.#fit(shape, value)
    this.#fits?.set(value, known.set(shape, fits))
    return fits
  }

  #fit(shape: UnionShape, value: unknown): readonly Fit[] {
    const fitting: Fit[] = []
    for (const [index, branch] of shape.branches.entries()) {
      if (!seemsMeant(branch, value)) continue
      try {
        if (isInbound(this.#direction)) {
          const after = this.passOf(branch)(value)
          if (checkOf(branch)(after)) fitting.push({ index, branch, after })
        } else if (checkOf(branch)(value)) {
          fitting.push({ index, branch, after: this.passOf(branch)(value) })
        }
      } catch (error) {
        if (!(error instanceof Misfit)) throw error // what does not fit one branch may fit another
      }
    }
    return fitting
  }

  /**
   * Of a value that fits no branch the check of the whole says so, with the place; but what that does not look at is a
   * misfit here: half of a surrogate pair, a hole, what stands under a key with a line break.
   */
  #unfit(shape: UnionShape, value: unknown): unknown {
    if (!checkOf(shape)(value)) return value
    for (const branch of shape.branches) {
      if (seemsMeant(branch, value) && checkOf(branch)(value)) this.passOf(branch)(value)
    }
    throw firstMisfit(shape, value)
  }

  /** What any of the lists declares of an item is declared. */
  #mergedListPass(lists: readonly Extract<Shape, { kind: 'array' | 'tuple' }>[]): Pass {
    const itemPass = (index: number) => {
      const [first, ...others] = lists.flatMap((list) =>
        list.kind === 'array' ? [list.item] : (list.items[index] ?? []),
      )
      return first ? this.passOf(intersectOf([first, ...others])) : same
    }
    const tuple = lists.find((list) => list.kind === 'tuple')
    return tuple
      ? tuplePass(
          tuple.items.map((_, index) => itemPass(index)),
          this.#isOutbound,
        )
      : arrayPass(itemPass(0), this.#isOutbound)
  }

  #intersectPass(shape: IntersectShape): Pass {
    const parts = [...new Set(shape.parts.flatMap(partsOf))]
    const unions = parts.filter((part) => part.kind === 'union')
    const objects = parts.filter((part) => part.kind === 'object')
    if (unions.length === 0) {
      const lists = parts.filter((part) => part.kind === 'array' || part.kind === 'tuple')
      if (lists.length > 1 && lists.length === parts.length) return this.#mergedListPass(lists)
      if (objects.length === 0) return sequence(parts.map((part) => this.passOf(part)))
      return this.#objectPass(mergeObjects(shape, objects))
    }
    const merged = new Map<string, Pass>()
    return (value) => {
      const chosen = unions.map((union) => this.#fitting(union, value))
      for (const [index, fits] of chosen.entries())
        if (fits.length === 0) this.#unfit(unions[index] as UnionShape, value) // of one length
      if (!isObject(value) && !Array.isArray(value)) return sequence(parts.map((part) => this.passOf(part)))(value)
      const key = chosen.map((one) => one.map((fit) => fit.index).join()).join('|')
      let pass = merged.get(key)
      if (!pass) {
        const others = parts.filter((part) => part.kind !== 'union')
        pass = this.#build({ ...shape, parts: [...new Set([...others, ...chosen.flat().map((fit) => fit.branch)])] })
        merged.set(key, pass)
      }
      return pass(value)
    }
  }
}

const LINE_BREAK = /[\n\r\u2028\u2029]/

/** TypeBox's `^.*$` passes by keys with a line break, so their values are checked here. */
function checkedPass(shape: Shape, pass: Pass, outbound: boolean): Pass {
  return (value) => {
    if (outbound && !checkOf(shape)(value)) throw firstMisfit(shape, value)
    const after = pass(value)
    if (!outbound && !checkOf(shape)(after)) throw firstMisfit(shape, after)
    return after
  }
}

function arrayPass(pass: Pass, outbound: boolean): Pass {
  return pass === same && !outbound ? same : tuplePass([], outbound, pass)
}

function tuplePass(passes: readonly Pass[], outbound: boolean, all?: Pass): Pass {
  if (!all && passes.every((pass) => pass === same) && !outbound) return same
  return (value) => {
    if (!Array.isArray(value)) return value
    let copy: unknown[] | undefined
    for (let index = 0; index < value.length; index++) {
      const before: unknown = value[index]
      // TypeBox's check passes holes by.
      if (before === undefined && outbound && !(index in value)) throw new Misfit('is a hole').within(index)
      const after = passWithin(all ?? passes[index] ?? same, before, index)
      if (copy) copy.push(after)
      else if (after !== before) copy = [...Array.from({ length: index }, (_, at) => value[at]), after]
    }
    return copy ?? value
  }
}

function passWithin(pass: Pass, value: unknown, segment: string | number): unknown {
  try {
    return pass(value)
  } catch (error) {
    throw error instanceof Misfit ? error.within(segment) : error
  }
}

function propertyOf(shape: ObjectShape, name: string): PropertyShape {
  return shape.properties.get(name) as PropertyShape // asked for its own names only
}

function isOptional(shape: ObjectShape, name: string): boolean {
  return shape.properties.get(name)?.optional ?? true
}
