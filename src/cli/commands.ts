import type { Command } from "./command.ts";
import { version } from "./commands/version.ts";

type Loader = () => Promise<Command>;

/**
 * Every command by name. A command's file is loaded when it is asked for, which keeps `lighter version` at the price of
 * starting Node: a new command is one file and one line here.
 */
export const commandLoaders: Readonly<Record<string, Loader>> = {
  build: async () => (await import("./commands/build.ts")).build,
  run: async () => (await import("./commands/run.ts")).run,
  create: async () => (await import("./commands/create.ts")).create,
  start: async () => (await import("./commands/start.ts")).start,
  stop: async () => (await import("./commands/stop.ts")).stop,
  restart: async () => (await import("./commands/stop.ts")).restart,
  kill: async () => (await import("./commands/kill.ts")).kill,
  exec: async () => (await import("./commands/exec.ts")).exec,
  logs: async () => (await import("./commands/logs.ts")).logs,
  attach: async () => (await import("./commands/attach.ts")).attach,
  wait: async () => (await import("./commands/wait.ts")).wait,
  pause: async () => (await import("./commands/pause.ts")).pause,
  unpause: async () => (await import("./commands/pause.ts")).unpause,
  top: async () => (await import("./commands/top.ts")).top,
  port: async () => (await import("./commands/port.ts")).port,
  diff: async () => (await import("./commands/diff.ts")).diff,
  cp: async () => (await import("./commands/cp.ts")).cp,
  export: async () => (await import("./commands/export.ts")).exportCommand,
  commit: async () => (await import("./commands/commit.ts")).commit,
  update: async () => (await import("./commands/update.ts")).update,
  stats: async () => (await import("./commands/stats.ts")).stats,
  rename: async () => (await import("./commands/rename.ts")).rename,
  ps: async () => (await import("./commands/ps.ts")).ps,
  rm: async () => (await import("./commands/rm.ts")).rm,
  images: async () => (await import("./commands/images.ts")).images,
  history: async () => (await import("./commands/history.ts")).history,
  inspect: async () => (await import("./commands/inspect.ts")).inspect,
  rmi: async () => (await import("./commands/rmi.ts")).rmi,
  tag: async () => (await import("./commands/tag.ts")).tag,
  save: async () => (await import("./commands/save.ts")).save,
  load: async () => (await import("./commands/load.ts")).load,
  pull: async () => (await import("./commands/pull.ts")).pull,
  push: async () => (await import("./commands/push.ts")).push,
  login: async () => (await import("./commands/login.ts")).login,
  logout: async () => (await import("./commands/login.ts")).logout,
  search: async () => (await import("./commands/search.ts")).search,
  lint: async () => (await import("./commands/lint.ts")).lint,
  fmt: async () => (await import("./commands/fmt.ts")).fmt,
  "container ls": async () => (await import("./commands/ps.ts")).containerLs,
  "container rm": async () => (await import("./commands/rm.ts")).containerRm,
  "container prune": async () => (await import("./commands/container-prune.ts")).containerPrune,
  "container inspect": async () => (await import("./commands/inspect.ts")).containerInspect,
  "volume create": async () => (await import("./commands/volume.ts")).volumeCreate,
  "volume inspect": async () => (await import("./commands/inspect.ts")).volumeInspect,
  "volume ls": async () => (await import("./commands/volume.ts")).volumeLs,
  "volume prune": async () => (await import("./commands/volume.ts")).volumePrune,
  "volume rm": async () => (await import("./commands/volume.ts")).volumeRm,
  "image history": async () => (await import("./commands/history.ts")).imageHistory,
  "image inspect": async () => (await import("./commands/inspect.ts")).imageInspect,
  "image load": async () => (await import("./commands/load.ts")).imageLoad,
  "image ls": async () => (await import("./commands/images.ts")).imageLs,
  "image pull": async () => (await import("./commands/pull.ts")).imagePull,
  "image push": async () => (await import("./commands/push.ts")).imagePush,
  "manifest create": async () => (await import("./commands/manifest.ts")).manifestCreate,
  "manifest inspect": async () => (await import("./commands/manifest.ts")).manifestInspect,
  "manifest push": async () => (await import("./commands/manifest.ts")).manifestPush,
  "image copy": async () => (await import("./commands/copy.ts")).imageCopy,
  "image rm": async () => (await import("./commands/rmi.ts")).imageRm,
  "image save": async () => (await import("./commands/save.ts")).imageSave,
  "image tag": async () => (await import("./commands/tag.ts")).imageTag,
  "network create": async () => (await import("./commands/network-create.ts")).networkCreate,
  "network ls": async () => (await import("./commands/network-ls.ts")).networkLs,
  "network inspect": async () => (await import("./commands/network-inspect.ts")).networkInspect,
  "network rm": async () => (await import("./commands/network-rm.ts")).networkRm,
  "network connect": async () => (await import("./commands/network-connect.ts")).networkConnect,
  "network disconnect": async () => (await import("./commands/network-connect.ts")).networkDisconnect,
  "network prune": async () => (await import("./commands/network-prune.ts")).networkPrune,
  "network graph": async () => (await import("./commands/network-graph.ts")).networkGraph,
  "network verify": async () => (await import("./commands/network-verify.ts")).networkVerify,
  "network firewall": async () => (await import("./commands/network-firewall.ts")).networkFirewall,
  "network log": async () => (await import("./commands/network-log.ts")).networkLog,
  "network resolver": async () => (await import("./commands/network-resolver.ts")).networkResolver,
  "builder prune": async () => (await import("./commands/builder.ts")).builderPrune,
  "builder du": async () => (await import("./commands/builder.ts")).builderDu,
  "builder cache ls": async () => (await import("./commands/builder-cache.ts")).builderCacheLs,
  "builder cache rm": async () => (await import("./commands/builder-cache.ts")).builderCacheRm,
  "builder cache export": async () => (await import("./commands/builder-cache.ts")).builderCacheExport,
  "builder cache import": async () => (await import("./commands/builder-cache.ts")).builderCacheImport,
  "recipe build": async () => (await import("./commands/recipe-build.ts")).recipeBuild,
  "recipe diff": async () => (await import("./commands/recipe-diff.ts")).recipeDiff,
  "recipe lock": async () => (await import("./commands/recipe-lock.ts")).recipeLock,
  "recipe ls": async () => (await import("./commands/recipe-ls.ts")).recipeLs,
  "recipe outdated": async () => (await import("./commands/recipe-diff.ts")).recipeOutdated,
  "recipe show": async () => (await import("./commands/recipe-show.ts")).recipeShow,
  sbom: async () => (await import("./commands/sbom.ts")).sbom,
  "system check": async () => (await import("./commands/system.ts")).systemCheck,
  "system resume": async () => (await import("./commands/system.ts")).systemResume,
  "system sweep": async () => (await import("./commands/system.ts")).systemSweep,
  "system prune": async () => (await import("./commands/system.ts")).systemPrune,
  info: async () => (await import("./commands/info.ts")).info,
  // Small enough to come along: one file less to find.
  version: () => Promise.resolve(version),
  completion: async () => (await import("./commands/completion.ts")).completion,
};

/** First words that only group others, with what they are about. */
export const commandGroups: Readonly<Record<string, string>> = {
  builder: "Manage the build cache",
  container: "Manage containers",
  image: "Manage images",
  manifest: "Manage manifests and manifest lists",
  network: "Manage networks",
  recipe: "Assemble images from Debian packages",
  system: "Manage the store",
  volume: "Manage volumes",
};

/** Second names, as docker has them. */
export const commandAliases: Readonly<Record<string, string>> = {
  "builder build": "build",
  "builder cache list": "builder cache ls",
  "image list": "image ls",
  "image remove": "image rm",
  "image build": "build",
  "container list": "container ls",
  "container ps": "container ls",
  "container remove": "container rm",
  ...Object.fromEntries(
    "run create start stop restart kill exec logs attach wait pause unpause rename top port diff cp export commit update stats"
      .split(" ")
      .map((name) => [`container ${name}`, name]),
  ),
  "network list": "network ls",
  "network remove": "network rm",
  "system info": "info",
  "volume list": "volume ls",
  "volume remove": "volume rm",
};

/** All commands, loaded: for help and completion. */
export function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(commandLoaders).map((load) => load()));
}
