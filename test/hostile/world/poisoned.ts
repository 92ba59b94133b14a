/** Poisons a process that is told to. Imported before anything else, as memory is taken while modules are loaded, too. */
import { poison } from './poison.ts'

if (process.argv[2] === 'poisoned') poison()
