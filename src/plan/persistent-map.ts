interface Node<V> {
  readonly key: string;
  readonly value: V;
  /** Counts keys in the order in which they first came. */
  readonly place: number;
  readonly level: number;
  readonly left?: Node<V> | undefined;
  readonly right?: Node<V> | undefined;
}

/**
 * A map that never changes: `set` gives another that shares nearly all of it. Ten thousand stages may so inherit ten
 * thousand variables each, and every step may keep what it saw. Keys stay in the order in which they first came.
 * An AA tree: https://user.it.uu.se/~arneande/ps/simp.pdf
 */
export class PersistentMap<V> {
  static readonly #nothing = new PersistentMap<never>(undefined, 0);
  readonly #root: Node<V> | undefined;
  readonly size: number;

  private constructor(root: Node<V> | undefined, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<V>(): PersistentMap<V> {
    return PersistentMap.#nothing;
  }

  static of<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    let map = PersistentMap.empty<V>();
    for (const [key, value] of entries) map = map.set(key, value);
    return map;
  }

  get(key: string): V | undefined {
    return this.#find(key)?.value;
  }

  has(key: string): boolean {
    return this.#find(key) !== undefined;
  }

  /** The map with the key set; a key that is there keeps its place. */
  set(key: string, value: V): PersistentMap<V> {
    const known = this.#find(key);
    if (known !== undefined && known.value === value) return this;
    const place = known?.place ?? this.size;
    const root = insert(this.#root, { key, value, place, level: 1 });
    return new PersistentMap(root, known === undefined ? this.size + 1 : this.size);
  }

  /** In the order in which the keys first came. */
  entries(): (readonly [string, V])[] {
    const nodes: Node<V>[] = [];
    collect(this.#root, nodes);
    return nodes.sort((a, b) => a.place - b.place).map(({ key, value }) => [key, value]);
  }

  #find(key: string): Node<V> | undefined {
    let node = this.#root;
    while (node !== undefined && node.key !== key) node = key < node.key ? node.left : node.right;
    return node;
  }
}

function insert<V>(node: Node<V> | undefined, added: Node<V>): Node<V> {
  if (node === undefined) return added;
  if (added.key === node.key) return { ...node, value: added.value };
  const grown =
    added.key < node.key
      ? { ...node, left: insert(node.left, added) }
      : { ...node, right: insert(node.right, added) };
  return split(skew(grown));
}

function skew<V>(node: Node<V>): Node<V> {
  const { left } = node;
  if (left === undefined || left.level !== node.level) return node;
  return { ...left, right: { ...node, left: left.right } };
}

function split<V>(node: Node<V>): Node<V> {
  const { right } = node;
  if (right?.right === undefined || right.right.level !== node.level) return node;
  return { ...right, level: right.level + 1, left: { ...node, right: right.left } };
}

function collect<V>(node: Node<V> | undefined, nodes: Node<V>[]): void {
  if (node === undefined) return;
  collect(node.left, nodes);
  nodes.push(node);
  collect(node.right, nodes);
}
