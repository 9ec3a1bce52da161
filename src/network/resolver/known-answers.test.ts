import assert from "node:assert/strict";
import { test } from "node:test";
import { KnownAnswers } from "./known-answers.ts";

test("an answer is known again under the number of its question, for its asker and way alone", () => {
  const known = new KnownAnswers();
  const asked = { asker: "a", question: Buffer.from([0, 1, 9, 9]), overTcp: false };
  known.add(asked, Buffer.from([0, 1, 7, 7]));
  assert.deepEqual(known.find({ ...asked, question: Buffer.from([5, 6, 9, 9]) }), Buffer.from([5, 6, 7, 7]));
  assert.deepEqual(known.find(asked), Buffer.from([0, 1, 7, 7]), "the kept one is not written to");
  assert.equal(known.find({ ...asked, asker: "b" }), undefined);
  assert.equal(known.find({ ...asked, overTcp: true }), undefined);
  assert.equal(known.find({ ...asked, question: Buffer.from([0, 1, 9, 8]) }), undefined);
  known.clear();
  assert.equal(known.find(asked), undefined);
});
