import type { JavaCut, RecipeDefinition } from "../recipe-definition.ts";
import { onlyUsed } from "./programs.ts";
import { readBeside } from "./read-beside.ts";
import type { ShapedDocument } from "./read-shape.ts";

/** A cut as a recipe file has it. */
export interface JlinkText {
  readonly package: string;
  readonly modules?: readonly string[];
  readonly jar?: string;
}

/** What every Java loads, and what one that draws loads beside it. */
const javaLibraries = ["libc.so.6", "libz.so.1", "libgcc_s.so.1", "libstdc++.so.6"];
const desktopLibraries = [
  "libfreetype.so.6",
  "libharfbuzz.so.0",
  "liblcms2.so.2",
  "libjpeg.so.62",
  "libasound.so.2",
];

/**
 * What a cut Java begins with: of a base that is cut itself, only what Java has need of. It has time zones of its own, and services
 * draw nothing, though their libraries ask for the classes of java.desktop.
 */
export function onlyForJava(base: RecipeDefinition): RecipeDefinition {
  const { trim, packages } = base;
  if (trim === undefined) return base;
  return {
    ...base,
    packages: packages.filter((name) => name !== "tzdata" && name !== "tzdata-legacy"),
    trim: [...new Set([...trim, "java-desktop" as const, "libc-extras" as const])],
  };
}

/** @throws RECIPE_INVALID */
export function readJlink(document: ShapedDocument, cut: JlinkText, folder: string): JavaCut {
  const { package: name, modules = [], jar } = cut;
  if (modules.length === 0 && jar === undefined) throw document.invalid(["jlink"], "want modules or a jar");
  return {
    package: name,
    modules,
    ...(jar !== undefined && {
      jar: readBeside(folder, jar, (why) => document.invalid(["jlink", "jar"], why)),
    }),
  };
}

/** The recipe with a Java of these modules, and of the libraries that a Java may load those that this one does. */
export function withJava(definition: RecipeDefinition, jlink: JavaCut): RecipeDefinition {
  const mayDraw =
    jlink.jar !== undefined || jlink.modules.some((name) => /^java\.(?:desktop|se)$/.test(name));
  const draws = mayDraw && definition.trim?.includes("java-desktop") !== true;
  // Without a locale in UTF-8 Java 17 takes text for ASCII; without a font it draws no text.
  const packages = ["libc-bin", ...(draws ? ["fonts-dejavu-core", "libfontconfig1"] : [])];
  return {
    ...onlyUsed({ ...definition, jlink, packages: [...new Set([...definition.packages, ...packages])] }, [
      ...javaLibraries,
      ...(draws ? desktopLibraries : []),
    ]),
    env: [
      ...definition.env.filter(({ name }) => !["LANG", "JAVA_HOME"].includes(name)),
      { name: "LANG", value: "C.UTF-8" },
      { name: "JAVA_HOME", value: "/usr/lib/jvm/jre" },
    ],
    ...(definition.entrypoint === undefined && { entrypoint: ["/usr/bin/java"] }),
  };
}
