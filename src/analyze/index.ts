export { type Contents, emptyContents, inspectTree } from "./contents.ts";
