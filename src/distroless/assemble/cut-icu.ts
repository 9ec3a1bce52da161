import { LighterError } from "#base";
import { shortenSegment } from "#elf";
import type { Assembly } from "./assembly.ts";
import {
  filterIcuIndex,
  findIcuArchive,
  formatIcuArchive,
  type IcuItem,
  readIcuArchive,
} from "./icu-data.ts";
import type { TrimPackName } from "./trim-packs.ts";

/** Languages, with their regions and scripts, that ICU's data keeps: those of the United Nations and of the European Union, … */
const official = "ar bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro ru sk sl sv zh".split(
  " ",
);
/** … and the further ones that most of the web is written in. */
const frequent = "fa he hi id ja ko nb nn no th tr uk vi".split(" ");
const languages = new Set([...official, ...frequent]);

/** What these languages were called before, as ICU lists them. */
const formerNames = new Set(["in", "iw"]);

/** Words of the scripts of other languages. */
const otherDictionaries = /\/(?:burmese|khmer|lao)dict\.dict$/;

/** Transliteration, names and look-alikes of characters, and preparation of strings: Node has no way to ask for them. */
const neverAsked = /\/translit\/|\/(?:unames\.icu|confusables\.cfu)$|\.spp$/;

/** Tables of the charsets that the web has names for. @see https://encoding.spec.whatwg.org/#names-and-labels */
const webCharsets = new Set(
  `
    ibm-866_P100-1995 ibm-878_P100-1996 ibm-912_P100-1995 ibm-913_P100-2000 ibm-914_P100-1995 ibm-915_P100-1995
    ibm-920_P100-1995 ibm-921_P100-1995 ibm-923_P100-1998 ibm-943_P15A-2003 ibm-1089_P100-1995
    ibm-1168_P100-2002 ibm-970_P110_P110-2006_U2 ibm-1373_P100-2002 ibm-1386_P100-2001 ibm-5012_P100-1999
    ibm-5346_P100-1998 ibm-5347_P100-1998 ibm-5348_P100-1997 ibm-5349_P100-1998 ibm-5350_P100-1998
    ibm-5354_P100-1998 ibm-9005_X110-2007 ibm-9447_P100-2002 ibm-9448_X100-2005 ibm-9449_P100-2002
    iso-8859_10-1998 iso-8859_14-1998 macos-0_2-10.2 macos-7_3-10.2 windows-874-2000 windows-936-2000
    windows-950-2000 euc-jp-2007 gb18030 gb18030-2022 jisx-212
  `.split(/\s+/),
);

/** Cuts ICU's data, which is one large library, when a pack that is named in the recipe is about it. */
export function cutIcu(assembly: Assembly, trim: readonly TrimPackName[]): Assembly {
  const packs = trim.filter((name) => name === "icu-extras" || name === "languages");
  if (packs.length === 0) return assembly;
  const libraries = [...assembly.tree.entries()].filter(
    ([path, { kind }]) => kind === "file" && /\/libicudata\.so\.[\d.]+$/.test(path),
  );
  for (const [path] of libraries) {
    const cut = cutLibrary(assembly.tree.read(path) ?? Buffer.alloc(0), packs);
    if (cut === undefined)
      throw new LighterError(
        "RECIPE_INVALID",
        `cannot cut ICU's data: "/${path}" has another form than is known; leave ${packs.join(" and ")} out of "trim"`,
      );
    assembly.tree.rewrite(path, cut);
  }
  return { ...assembly, changed: new Set([...(assembly.changed ?? []), ...libraries.map(([path]) => path)]) };
}

function cutLibrary(library: Buffer, packs: readonly TrimPackName[]): Buffer | undefined {
  const at = findIcuArchive(library);
  if (at === undefined) return undefined;
  try {
    const { header, items } = readIcuArchive(library.subarray(at));
    return shortenSegment(library, at, formatIcuArchive({ header, items: cutItems(items, packs) }));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function cutItems(items: readonly IcuItem[], packs: readonly TrimPackName[]): readonly IcuItem[] {
  const isExtra = ({ name }: IcuItem) =>
    neverAsked.test(name) ||
    (name.endsWith(".cnv") && !webCharsets.has(name.slice(name.indexOf("/") + 1, -4)));
  const isOther = ({ name }: IcuItem) => {
    const locale = /\/([a-z]{2,3}(?:_\w+)?)\.res$/.exec(name)?.[1];
    if (isIndex(name)) return false;
    return otherDictionaries.test(name) || (locale !== undefined && !isKept(locale));
  };
  const rest = packs.includes("icu-extras") ? items.filter((item) => !isExtra(item)) : items;
  if (!packs.includes("languages")) return rest;
  return rest
    .filter((item) => !isOther(item))
    .map(({ name, bytes }) => ({
      name,
      bytes: isIndex(name) ? filterIcuIndex(bytes, isKept) : bytes,
    }));
}

function isIndex(name: string): boolean {
  return name.endsWith("/res_index.res");
}

function isKept(locale: string): boolean {
  const language = locale.split("_")[0] ?? "";
  return languages.has(language) || formerNames.has(language);
}
