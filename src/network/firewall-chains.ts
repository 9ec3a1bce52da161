import { isMasqueraded, subnetOf } from "./network-record.ts";
import type { RaisedNetwork } from "./network-state.ts";

/** Counted up with every change of sets or chains below: a table of another structure is made anew. */
export const tableStructure = 3;

export interface Chain {
  readonly name: string;
  readonly comment: string;
  /** Undefined for a chain that only others jump to. */
  readonly hook?: string;
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly match: string;
  readonly comment: string;
}

/** What the chains look things up in: name, type and what an element means. */
export const sets: readonly { readonly name: string; readonly body: string; readonly comment: string }[] = [
  { name: "bridges", body: "type ifname", comment: "the bridges of this table" },
  {
    name: "neighbours",
    body: "type ifname . ifname",
    comment: "bridges whose containers may speak to one another",
  },
  { name: "internal", body: "type ifname", comment: "networks with no way out and no way in" },
  { name: "limited", body: "type ipv4_addr", comment: "containers with an egress policy" },
  { name: "limited6", body: "type ipv6_addr", comment: "containers with an egress policy" },
  ...(["4", "6"] as const).flatMap((version) => {
    const suffix = version === "6" ? "6" : "";
    const address = `ipv${version}_addr`;
    const flow = `type ${address} . ${address} . inet_proto . inet_service`;
    return [
      {
        name: `allowed${suffix}`,
        body: `${flow}; flags interval`,
        comment: "egress: addresses and subnets of the policy",
      },
      {
        name: `resolved${suffix}`,
        body: `${flow}; flags timeout; size 65536`,
        comment: "egress: addresses of names of the policy, as long as the answer holds",
      },
      {
        name: `resolved_any${suffix}`,
        body: `type ${address} . ${address}; flags timeout; size 65536`,
        comment: "the same, for names with every port",
      },
      {
        name: `refused${suffix}`,
        body: `${flow}; flags dynamic,timeout; timeout 1d; size 4096; counter`,
        comment: "egress: what was refused, and how often",
      },
    ];
  }),
];

export const maps: typeof sets = [
  {
    name: "published",
    body: "type inet_proto . inet_service : ipv4_addr . inet_service",
    comment: "ports published on every address of the host",
  },
  {
    name: "published_at",
    body: "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
    comment: "ports published on one address of the host",
  },
  {
    name: "published6",
    body: "type inet_proto . inet_service : ipv6_addr . inet_service",
    comment: "ports published on every IPv6 address of the host",
  },
  {
    name: "published6_at",
    body: "type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
    comment: "ports published on one IPv6 address of the host",
  },
];

const translate: readonly Rule[] = [
  { match: "fib daddr type local jump translate", comment: "what is for an address of this host" },
];

/** Chains that are the same whatever networks there are. */
export const staticChains: readonly Chain[] = [
  {
    name: "forward",
    hook: "type filter hook forward priority filter; policy accept;",
    comment: "what the host passes on; only packets of this table's bridges are ever dropped",
    rules: [
      { match: "ct state established,related accept", comment: "answers" },
      { match: "iifname . oifname @neighbours accept", comment: "neighbours on the same network" },
      { match: "iifname @internal drop", comment: "internal networks: nothing gets out" },
      { match: "oifname @internal drop", comment: "internal networks: nothing gets in" },
      {
        match: "iifname @bridges ip saddr @limited jump egress",
        comment: "containers with an egress policy",
      },
      {
        match: "iifname @bridges ip6 saddr @limited6 jump egress",
        comment: "containers with an egress policy",
      },
      { match: "oifname @bridges jump into", comment: "into a network" },
    ],
  },
  {
    name: "into",
    comment: "into a bridge, from another link",
    rules: [
      { match: "ct status dnat accept", comment: "published ports" },
      {
        match: "drop",
        comment: "everything else: other networks, and container addresses used from outside",
      },
    ],
  },
  {
    name: "egress",
    comment: "what a container with an egress policy may reach",
    rules: ["", "6"]
      .flatMap((suffix) => {
        const ip = suffix === "" ? "ip" : "ip6";
        const flow = `${ip} saddr . ${ip} daddr . meta l4proto . th dport`;
        return [
          { match: `${flow} @allowed${suffix} return`, comment: "an address or subnet of the policy" },
          { match: `${flow} @resolved${suffix} return`, comment: "a name of the policy, with this port" },
          {
            match: `${ip} saddr . ${ip} daddr @resolved_any${suffix} return`,
            comment: "a name of the policy, with any port",
          },
          {
            match: `update @refused${suffix} { ${flow} }`,
            comment: "remembered for the log",
          },
        ];
      })
      .concat([
        { match: "counter reject with icmpx admin-prohibited", comment: "everything else is refused" },
      ]),
  },
  {
    name: "input",
    hook: "type filter hook input priority filter; policy accept;",
    comment: "what containers ask of the host itself",
    rules: [
      { match: "ct state established,related accept", comment: "answers" },
      {
        match: "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept",
        comment: "neighbour discovery",
      },
      { match: "iifname @bridges ip saddr @limited jump egress", comment: "an egress policy holds here too" },
      {
        match: "iifname @bridges ip6 saddr @limited6 jump egress",
        comment: "an egress policy holds here too",
      },
    ],
  },
  {
    name: "translate",
    comment: "published ports; the kernel cannot route ::1",
    rules: [
      {
        match: "dnat ip to ip daddr . meta l4proto . th dport map @published_at",
        comment: "a port published on this address",
      },
      {
        match: "dnat ip to meta l4proto . th dport map @published",
        comment: "a port published on every address",
      },
      {
        match: "ip6 daddr != ::1 dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6_at",
        comment: "the same for IPv6",
      },
      {
        match: "ip6 daddr != ::1 dnat ip6 to meta l4proto . th dport map @published6",
        comment: "the same for IPv6",
      },
    ],
  },
  {
    name: "prerouting",
    hook: "type nat hook prerouting priority dstnat; policy accept;",
    comment: "published ports, for packets from outside and from containers",
    rules: translate,
  },
  {
    name: "output",
    hook: "type nat hook output priority -100; policy accept;",
    comment: "published ports, for packets of the host itself",
    rules: translate,
  },
  {
    name: "guard",
    hook: "type filter hook prerouting priority raw; policy accept;",
    comment:
      "bridges route 127.0.0.0/8 so that published ports answer there; from a container no such packet is honest",
    rules: [
      { match: "ip saddr 127.0.0.0/8 iifname @bridges drop", comment: "nobody else is this host's loopback" },
      { match: "ip daddr 127.0.0.0/8 iifname @bridges drop", comment: "nobody else reaches it" },
    ],
  },
];

/** Source addresses of what leaves, keyed on where it goes out, which also holds for bridged traffic. */
export function postrouting(networks: readonly RaisedNetwork[]): Chain {
  return {
    name: "postrouting",
    hook: "type nat hook postrouting priority srcnat; policy accept;",
    comment: "the source addresses of what leaves",
    rules: [
      {
        match: "ip saddr 127.0.0.0/8 oifname @bridges masquerade",
        comment: "the host to a published port by 127.0.0.1",
      },
      ...networks.flatMap(masquerading),
    ],
  };
}

function masquerading(network: RaisedNetwork): Rule[] {
  return ([4, 6] as const).flatMap((version) => {
    const subnet = subnetOf(network, version)?.subnet;
    if (subnet === undefined || network.internal) return [];
    const source = `${version === 4 ? "ip" : "ip6"} saddr ${subnet}`;
    const out: Rule = {
      match: `${source} oifname != "${network.link}" masquerade`,
      comment: `${network.name}: outgoing`,
    };
    const own: Rule = {
      match: `oifname "${network.link}" ${source} ct status dnat masquerade`,
      comment: `${network.name}: a container to a published port of its own network`,
    };
    return isMasqueraded(network) ? [out, own] : [own];
  });
}
