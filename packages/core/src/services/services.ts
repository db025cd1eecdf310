/* The only file that knows tsyringe. reflect-metadata must load first; import order inside one file is kept. */
import 'reflect-metadata';
import { container, inject, injectable, Lifecycle, type DependencyContainer } from 'tsyringe';

declare const type: unique symbol;
/** The name of a service, carrying its type. */
export type Token<T> = symbol & { readonly [type]?: T };

/** Makes a token. One per service, exported beside the service's interface. */
export const token = <T>(name: string): Token<T> => Symbol(name) as Token<T>; // the type travels with the symbol and exists at compile time only

type Made<D extends readonly Token<unknown>[]> = { -readonly [K in keyof D]: D[K] extends Token<infer T> ? T : never };
/** A class that says what its constructor needs, in order; the compiler compares the two. */
export interface Maker<T, D extends readonly Token<unknown>[]> {
  readonly needs: D;
  new (...needs: Made<D>): T;
}

/** What the host offers: bound once in host.ts, replaced one by one in tests. */
export class Services {
  readonly #container: DependencyContainer;

  constructor(from: DependencyContainer = container.createChildContainer()) {
    this.#container = from;
  }

  /** The service of that name. Throws and says who needed what where one is missing. */
  get<T>(what: Token<T>): T {
    return this.#container.resolve<T>(what);
  }

  has(what: Token<unknown>): boolean {
    return this.#container.isRegistered(what, true);
  }

  /** Binds a value that is already there. The last binding of a token wins. */
  set<T>(what: Token<T>, value: T): this {
    this.#container.register(what, { useValue: value });
    return this;
  }

  /** Binds a class. It is made on first use, once per scope, and its dispose() is called with the scope's. */
  make<T, const D extends readonly Token<unknown>[]>(what: Token<T>, maker: Maker<T, D>): this {
    maker.needs.forEach((need, i) => inject(need)(maker, undefined, i));
    const plain = maker as unknown as new (...args: never[]) => T & object; // tsyringe's own types want `any` here
    injectable()(plain as never);
    this.#container.register(what, { useClass: plain as never }, { lifecycle: Lifecycle.ContainerScoped });
    return this;
  }

  /** A child for one run: inherits every binding, makes its own instances. */
  scope(): Services {
    return new Services(this.#container.createChildContainer());
  }

  async dispose(): Promise<void> {
    await this.#container.dispose();
  }
}
