import assert from "node:assert/strict";
import { test } from "node:test";
import { parseAlternatives } from "./alternatives.ts";

test("the install commands of a script", () => {
  const script = `#!/bin/sh
# update-alternatives --install /a comment /b 1
if [ "$1" = configure ]; then
	update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 \\
	    --slave /usr/share/man/man1/awk.1.gz awk.1.gz /usr/share/man/man1/mawk.1.gz \\
	    --slave /usr/bin/nawk nawk /usr/bin/mawk
fi
update-alternatives --quiet --install /usr/bin/cc cc /usr/bin/gcc 20 || true; true
`;
  assert.deepEqual(parseAlternatives(script), [
    {
      name: "awk",
      link: "/usr/bin/awk",
      path: "/usr/bin/mawk",
      priority: 5,
      slaves: [
        { name: "awk.1.gz", link: "/usr/share/man/man1/awk.1.gz", path: "/usr/share/man/man1/mawk.1.gz" },
        { name: "nawk", link: "/usr/bin/nawk", path: "/usr/bin/mawk" },
      ],
    },
    { name: "cc", link: "/usr/bin/cc", path: "/usr/bin/gcc", priority: 20, slaves: [] },
  ]);
});

test("what is not seen: removals, variables, half a command", () => {
  for (const script of [
    "update-alternatives --remove rename /usr/bin/prename",
    'update-alternatives --install /usr/bin/x x "$path" 5',
    "update-alternatives --install /usr/bin/x x $(which y) 5",
    "update-alternatives --install /usr/bin/x x",
    "echo not-update-alternatives --install /usr/bin/x x /y 1",
  ])
    assert.deepEqual(parseAlternatives(script), [], script);
});
