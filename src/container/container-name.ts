import { LighterError } from "#base";
import { randomHex } from "#host";

const manners =
  "able amber ample bold brave breezy bright brisk calm candid civil clear cool copper crisp deft eager early even fair fleet fond frank free fresh gentle glad golden grand hale handy hardy hasty honest humble jolly keen kind lively lucid lunar mellow merry mild neat nimble noble placid plain polite proud quick quiet ready robust rosy serene sharp silver sleek smart snug solid steady still stout sunny swift tidy trim trusty upbeat vivid warm wise witty young zesty";
const vessels =
  "argosy barge bark barque beacon bilge boom bow bowline brig buoy cabin canoe capstan caravel clipper cog compass coracle cutter dhow dinghy dock dory ferry frigate galleon galley gig hawser helm hull jetty jib jolly junk kayak keel ketch lantern launch lighter lugger mast mizzen mooring oar packet pier pilot pinnace pontoon port praam prow punt quay raft rigging rudder sail sampan schooner scow sextant shallop skiff sloop smack spar stern tanker tender tiller trawler trimaran tug wharf wherry windlass xebec yacht yawl";

/** Docker's form, of this house: `brisk_barge`. */
export function randomName(): string {
  return `${pick(manners)}_${pick(vessels)}`;
}

/** @throws CONTAINER_INVALID */
export function checkName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) return;
  throw new LighterError(
    "CONTAINER_INVALID",
    `cannot name a container "${name}": want two or more of letters, digits, "_", "." and "-", first a letter or digit`,
  );
}

function pick(words: string): string {
  const list = words.split(" ");
  return list[Number.parseInt(randomHex(4), 16) % list.length] ?? "plain";
}
