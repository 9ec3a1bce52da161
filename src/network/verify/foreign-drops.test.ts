import assert from "node:assert/strict";
import { test } from "node:test";
import { droppingChains } from "./foreign-drops.ts";

test("chains at the forward hook that drop, refuse or send on to who might", () => {
  const ruleset = `table inet admin {
	chain input {
		type filter hook input priority filter; policy drop;
	}

	chain forward {
		type filter hook forward priority 10; policy drop;
		ct status dnat accept
	}
}
table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy accept;
		ip saddr 10.0.0.0/8 counter packets 1 bytes 60 reject
	}

	chain LATER {
		drop
	}
}
table inet firewalld {
	chain filter_FORWARD {
		type filter hook forward priority filter + 10; policy accept;
		ct state { established, related } accept
		jump filter_FORWARD_POLICIES
	}
}
table ip6 quiet {
	chain forward {
		type filter hook forward priority filter; policy accept;
		accept
	}
}
`;
  assert.deepEqual(droppingChains(ruleset), [
    "table inet admin, chain forward (policy drop)",
    "table ip filter, chain FORWARD (ip saddr 10.0.0.0/8 counter packets 1 bytes 60 reject)",
    "table inet firewalld, chain filter_FORWARD (jump filter_FORWARD_POLICIES)",
  ]);
  assert.deepEqual(droppingChains(""), []);
});
