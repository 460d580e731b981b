// A hook of the router: takes requests of listed tenants only, tells subgraphs which tenant asks, and hides from clients what went wrong
// inside. The same as the example in Rust.

import * as headers from "braid:hooks/headers@0.1.0";
import * as log from "braid:hooks/log@0.1.0";
import * as request from "braid:hooks/request@0.1.0";
import * as response from "braid:hooks/graphql-response@0.1.0";
import type { Refusal } from "braid:hooks/types@0.1.0";

/** What router.yaml has as `config`. */
interface Config {
  tenants: string[];
}

// An instance keeps its memory between calls.
let config: Config = { tenants: [] };

export const start = {
  start(json: string): void {
    config = JSON.parse(json);
    if (!Array.isArray(config?.tenants)) {
      throw "config: list the tenants, as in { tenants: [acme] }";
    }
  },
};

export const onRequest = {
  handle(): void {
    const tenant = headers.get("x-tenant");
    if (tenant === undefined || !config.tenants.includes(tenant)) {
      throw refusal(403, "UNKNOWN_TENANT", "Send x-tenant with the name of a tenant.");
    }
    // For later stages of this request.
    request.setEntry("tenant", JSON.stringify(tenant));
  },
};

export const onSubgraphRequest = {
  handle(): void {
    const tenant = request.entry("tenant");
    if (tenant !== undefined) {
      headers.set("x-org", JSON.parse(tenant));
    }
  },
};

export const onExecuted = {
  handle(): void {
    const errors = response.errors();
    for (const error of errors) {
      // What has a code of its own is meant for clients.
      if (error.code === undefined || error.code === "DOWNSTREAM_SERVICE_ERROR") {
        log.write("warn", error.message);
        error.message = "Something went wrong.";
      }
    }
    response.setErrors(errors);
  },
};

/** What is thrown refuses the request. Anything else that is thrown is a failure of the hook. */
function refusal(status: number, code: string, message: string): Refusal {
  return { status, code, message, headers: [] };
}
