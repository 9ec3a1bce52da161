// A reporter of node:test that says at the end how many answers of each corpus are right, and which tests of corpora
// did not run. Tests print lines such as `parser: 38/38` or `frontend: ast 635/635 lint 639/639`.

const SCORE = /^([\w -]+): ((?:[\w -]+ )?\d+\/\d+(?: [\w -]+ \d+\/\d+)*)$/;

// oxlint-disable-next-line import/no-default-export -- where node:test looks for a reporter
export default async function* reportCorpora(events) {
  const scores = new Map();
  const skipped = new Set();
  for await (const { type, data } of events) {
    if (type === "test:stdout")
      for (const [, corpus, score] of data.message.split("\n").flatMap((line) => [SCORE.exec(line) ?? []]))
        if (corpus !== undefined) scores.set(corpus, [...(scores.get(corpus) ?? []), score]);
    if (typeof data.skip === "string" && /\bcorp(?:us|ora)\b/.test(data.skip)) skipped.add(data.skip);
  }
  const lines = [
    ...Array.from(scores, ([corpus, parts]) => `${corpus}: ${parts.join(" ")}`),
    ...Array.from(skipped, (reason) => `not compared with the reference builder: ${reason}`),
  ];
  if (lines.length > 0) yield `\n# corpora\n${lines.map((line) => `#   ${line}\n`).join("")}`;
}
