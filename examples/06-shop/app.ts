// The app: which services there are. Where each is stands in the environment, as it would in a deployment:
//   USERS=tcp://users:7000 npx nanowire up app.ts --only orders --at tcp://0.0.0.0:7001
import { app } from 'nanowire'
import { billing, orders, users } from './services.ts'

export const shopWith = (places: Readonly<Record<string, string>>) => app([orders, billing, users], { places })

const { USERS } = process.env
export default shopWith(USERS === undefined ? {} : { users: USERS })
