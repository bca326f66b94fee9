/** The same system with something else in one of its domains. */

import type { EchoConfig } from '../../clients/echo/echo.ts';
import type { SystemDescription } from '../../microkit/model.ts';
import type { Program } from '../../microkit/pd.ts';

export function withProgram(
  system: SystemDescription,
  name: string,
  program: Program<EchoConfig>,
): SystemDescription {
  return changed(system, name, (pd) => ({ ...pd, image: { ...pd.image, program } }));
}

/** With further fields in its configuration. */
export function withConfig(
  system: SystemDescription,
  name: string,
  fields: object,
): SystemDescription {
  return changed(system, name, (pd) => ({
    ...pd,
    config: { ...(pd.config as object), ...fields },
  }));
}

type Domain = SystemDescription['protectionDomains'][number];

function changed(
  system: SystemDescription,
  name: string,
  change: (pd: Domain) => Domain,
): SystemDescription {
  const protectionDomains = system.protectionDomains.map((pd) =>
    pd.name === name ? change(pd) : pd,
  );
  return { ...system, protectionDomains };
}
