/** A question as it came, and from whom. */
export interface Asked {
  readonly asker: string;
  readonly question: Buffer;
  readonly overTcp: boolean;
}

/** Programs ask few different questions: so many answers are kept before all are dropped. */
const most = 4096;
/** Every question begins with a number that its answer repeats. */
const idBytes = 2;

/** Answers made already, by the question's bytes. They hold as long as the state that they were made from. */
export class KnownAnswers {
  readonly #answers = new Map<string, Buffer>();

  find(asked: Asked): Buffer | undefined {
    const answer = this.#answers.get(keyOf(asked));
    if (answer === undefined) return undefined;
    const copy = Buffer.from(answer);
    asked.question.copy(copy, 0, 0, idBytes);
    return copy;
  }

  add(asked: Asked, answer: Buffer): void {
    if (this.#answers.size >= most) this.clear();
    this.#answers.set(keyOf(asked), answer);
  }

  clear(): void {
    this.#answers.clear();
  }
}

function keyOf({ asker, question, overTcp }: Asked): string {
  return `${asker} ${overTcp ? "tcp" : "udp"} ${question.toString("latin1", idBytes)}`;
}
