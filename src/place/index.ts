export { type App, type AppOptions, type AppServeOptions, appWith } from './app.ts'
export type { AppPlace } from './wiring.ts'
