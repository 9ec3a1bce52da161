import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findGitReference } from "./git-reference.ts";

describe("findGitReference", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["https://x.org/a/b.git", "https://x.org/a/b.git b"],
    ["https://u:p@x.org/b.git#main", "https://u:p@x.org/b.git b ref=main"],
    ["https://x.org/b.git#v1/2:sub/./dir/", "https://x.org/b.git b ref=v1/2 subdir=sub/dir"],
    ["https://x.org/b.git#:../../etc", "https://x.org/b.git b subdir=etc"],
    ["git@x.org:a/b.git?tag=v1", "git@x.org:a/b.git b ref=refs/tags/v1"],
    ["git@x.org:a/b?branch=refs/heads/w", "git@x.org:a/b b ref=refs/heads/w"],
    ["git://x.org/b", "git://x.org/b b unencrypted"],
    ["http://x.org/b.git", "http://x.org/b.git b unencrypted"],
    ["ssh://git@x.org:22/b.git", "ssh://git@x.org:22/b.git b"],
    ["https://x.org/b.git?keep-git-dir=1&submodules=false", "https://x.org/b.git b keep submodules=false"],
    ["https://x.org/b.git?commit=abc&fetch-by-commit", "https://x.org/b.git b checksum=abc by-commit"],
    ["github.com/a/b", "github.com/a/b b like-a-path"],
    ["https://x.org/b", undefined],
    ["https://x.org/b.git/", undefined],
    ["ftp://x.org/b.git", undefined],
    ["./b.git", undefined],
    ["b.git", undefined],
    ["a@b", undefined],
  ];
  for (const [text, wanted] of cases) test(text, () => assert.equal(summary(text), wanted));

  const refused: readonly (readonly [string, string])[] = [
    ["https://x.org/b.git?ref=a#b", 'ref conflicts: "b" vs "a"'],
    ["https://x.org/b.git?tag=a&branch=b", "branch conflicts with tag"],
    ["https://x.org/b.git?what=1", 'unexpected query "what"'],
    ["https://x.org/b.git?ref=", 'query "ref" has no value'],
    ["https://x.org/b.git?ref=1&ref=2", 'query "ref" has multiple values'],
    ["https://x.org/b.git?submodules=perhaps", 'invalid submodules value: "perhaps"'],
  ];
  for (const [text, message] of refused)
    test(`refused: ${text}`, () => assert.throws(() => summary(text), { message }));
});

function summary(text: string): string | undefined {
  const found = findGitReference(text);
  if (found === undefined) return undefined;
  const { remote, shortName, ref, subdir, checksum, keepGitDir, submodules, fetchByCommit } = found;
  return [
    remote,
    shortName,
    ref !== undefined && `ref=${ref}`,
    subdir !== undefined && `subdir=${subdir}`,
    checksum !== undefined && `checksum=${checksum}`,
    keepGitDir === true && "keep",
    submodules !== undefined && `submodules=${submodules}`,
    fetchByCommit && "by-commit",
    found.isLikeLocalPath && "like-a-path",
    found.isUnencrypted && "unencrypted",
  ]
    .filter(Boolean)
    .join(" ");
}
