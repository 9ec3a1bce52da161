import { usageHint } from "#dockerfile";

/** What helps against an error that many places can meet, by BuildKit's words for it. */
const hints: readonly (readonly [RegExp, string])[] = [
  [/^failed to parse stage name /, "name an image as repository:tag in lower case, or a stage above"],
  [/^base name .* should not be blank/, "give the ARG a default before the first FROM, or pass --build-arg"],
  [/^checksum requires HTTP/, "drop --checksum: files of the context are known by their content"],
  [/must be a key=value pair/, "write fields as key=value with commas between, as type=cache,target=/path"],
  [/^SOURCE_DATE_EPOCH stage/, "name a stage that is FROM scratch and one ADD of a URL or a Git repository"],
  [/^unsupported mount type/, "the types are bind, cache, tmpfs, secret and ssh"],
  [
    /^unexpected key /,
    "keys of a mount are among type, target, source, from, id, env, mode, uid, gid, size, sharing",
  ],
  [/cannot be empty/, "begin with FROM repository:tag"],
  [/looking for matching (?:double|single)-quote/, "close the quote, or put a backslash before it"],
  [/^failed to process ".*\$\{\w+:?\?/s, "give the variable a value with ARG, ENV or --build-arg"],
  [/^failed to process /, "write a variable as $NAME, ${NAME} or ${NAME:-default}"],
  [/^(?:failed to parse|empty) platform/, "write os/architecture, as linux/amd64, or $BUILDPLATFORM"],
];

/** A hint for an error whose place gives none: for its words, else the form of the instruction that `text` is. */
export function defaultHint(message: string, text: string): string {
  return hints.find(([words]) => words.test(message))?.[1] ?? usageHint(text);
}
