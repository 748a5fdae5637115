// The clients' knowledge: what they created, the answers they got, and the consequences for the books.

/** An item or a user, with deposits and withdrawals outside checkouts, as far as they were acknowledged. */
export interface Thing {
  readonly id: string;
  given: number;
  taken: number;
}

export interface Item extends Thing {
  readonly price: number;
}

export interface ShopOrder {
  readonly id: string;
  readonly user: string;
  /** Item and quantity, one for each time that an item was added. */
  readonly lines: (readonly [item: string, quantity: number])[];
}

export class Shop {
  readonly items = new Map<string, Item>();
  readonly users = new Map<string, Thing>();
  readonly orders = new Map<string, ShopOrder>();

  addItem(id: string, price: number): Item {
    const item = { id, price, given: 0, taken: 0 };
    this.items.set(id, item);
    return item;
  }

  addUser(id: string): Thing {
    const user = { id, given: 0, taken: 0 };
    this.users.set(id, user);
    return user;
  }

  addOrder(id: string, user: string): ShopOrder {
    const order = { id, user, lines: [] };
    this.orders.set(id, order);
    return order;
  }

  /** The total of an order. */
  totalOf({ lines }: ShopOrder): number {
    return lines.reduce((sum, [item, quantity]) => sum + (this.items.get(item)?.price ?? 0) * quantity, 0);
  }
}
