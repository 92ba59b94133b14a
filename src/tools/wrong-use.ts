/** The command was used wrongly: a message for whoever typed it, no stack, exit code 2. */
export class WrongUse extends Error {}
WrongUse.prototype.name = 'WrongUse' // not within the class, which a bundler would then rename
