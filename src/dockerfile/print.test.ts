import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parse, print } from "./index.ts";
import { meaning } from "./testing/meaning.ts";

const CASES: Record<string, [string, string]> = {
  "capitals, blanks and empty lines": [
    "  from  alpine as build \n\n\n\nrun a \\\n\n   && b\t\ncopy . .\nfrom scratch\ncopy --from=build / /\n",
    "FROM  alpine AS build\n\nRUN a \\\n   && b\nCOPY . .\n\nFROM scratch\nCOPY --from=build / /\n",
  ],
  "directives are set off and written alike": [
    "#Syntax =  docker/dockerfile:1 \n# ESCAPE=`\n#comment\nfrom a\n",
    "# syntax=docker/dockerfile:1\n# escape=`\n\n#comment\nFROM a\n",
  ],
  "an empty line that keeps a comment from being a directive": [
    "\n\n# escape=`\nFROM a\n",
    "\n# escape=`\nFROM a\n",
  ],
  "carriage returns": ["FROM a\r\nRUN b \\\r\n  c\r\n", "FROM a\nRUN b \\\n  c\n"],
  "heredocs to the byte": [
    "from a\nrun <<eot   \n  x \n\n\n\ty\r\neot\nrun c",
    "FROM a\nRUN <<eot\n  x \n\n\n\ty\r\neot\nRUN c\n",
  ],
  "comments within": ["FROM a\nRUN b \\\n   # why  \n  c\n", "FROM a\nRUN b \\\n   # why\n  c\n"],
  "global arguments stay with FROM": ["arg A=1\nfrom $A\n", "ARG A=1\nFROM $A\n"],
  triggers: ["FROM a\nonbuild run x\n", "FROM a\nONBUILD RUN x\n"],
  "a keyword cut in two": ["FR\\\nOM a\n", "FR\\\nOM a\n"],
  "a refused line stays": ["FROM a\n  frum  b \n", "FROM a\nfrum  b \n"],
};

describe("print", () => {
  for (const [name, [source, wanted]] of Object.entries(CASES))
    test(name, () => {
      const { file } = parse(source);
      assert.equal(print(file), wanted);
      assert.deepEqual(meaning(parse(wanted).file), meaning(file));
      assert.equal(print(parse(wanted).file), wanted);
    });
});
