// Two versions of one contract; in a real project each is a commit, or the earlier one a file that `describe --save` wrote.
// Compare them: npm run -s nanowire -- diff './examples/04-versions/shop.ts#Shop1' './examples/04-versions/shop.ts#Shop2'
import { contract, unary } from 'nanowire'
import Type from 'typebox'

const Price = Type.Object({ amount: Type.Integer(), currency: Type.String() })

/** What the client was built with. */
export const Shop1 = contract('shop', {
  price: unary(Type.Object({ item: Type.String() }), Price),
  order: unary(Type.Object({ item: Type.String() }), Type.Boolean()),
})

/** What the server runs by now: `price` takes a discount if there is one, `order` wants a number of pieces. */
export const Shop2 = contract('shop', {
  price: unary(Type.Object({ item: Type.String(), discount: Type.Optional(Type.Number()) }), Price),
  order: unary(Type.Object({ item: Type.String(), pieces: Type.Integer() }), Type.Boolean()),
})
