import assert from "node:assert/strict";
import { test } from "node:test";
import { LighterError } from "#base";
import { imageIds, imageText } from "./container-images.ts";
import { fakeEngine } from "./testing.ts";

const id = `sha256:${"0123456789ab".padEnd(64, "c")}`;

test("ps shows the name of an image while it has it, else its ID", () => {
  const ids: Readonly<Record<string, string>> = {
    web: id,
    [id]: id,
    [`web@${id}`]: id,
    moved: `sha256:${"d".repeat(64)}`,
  };
  const text = (name: string, isFull = false) =>
    imageText({ image: { id, name } }, { isFull, idOf: (wanted) => ids[wanted] });
  assert.equal(text("web"), "web");
  assert.equal(text(`web@${id}`), "web");
  assert.equal(text(`web@${id}`, true), `web@${id}`);
  assert.equal(text(id), "0123456789ab");
  assert.equal(text(id, true), id);
  assert.equal(text("moved"), "0123456789ab");
  assert.equal(text("gone", true), id);
});

test("a name is looked up once, and one that cannot be read stands for nothing", () => {
  const asked: string[] = [];
  const { images } = fakeEngine({
    images: {
      find: (name) => {
        asked.push(name);
        throw new LighterError("IMAGE_AMBIGUOUS", "of two");
      },
    },
  });
  const idOf = imageIds(images);
  assert.equal(idOf("ab"), undefined);
  assert.equal(idOf("ab"), undefined);
  assert.deepEqual(asked, ["ab"]);
});
