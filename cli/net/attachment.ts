/**
 * What the NIC of a run is plugged into: the wires that the testbed is made with, and the bridge
 * behind them, opened once the system has booted.
 *
 *     NIC ── captured?    ── StagedLink ── bridge (user, stream, dgram, pcap)
 *                        └── TrafficGenerator (loop alone; beside the link in a demonstration)
 */

import type { EthernetWire } from '../../board/ethernet.ts';
import type { TrafficGenerator } from '../../board/links/generator.ts';
import { StagedLink } from '../../board/links/staged-link.ts';
import type { Bridge } from '../../host/net/bridge.ts';
import type { CaptureReader } from '../../host/net/captured-frame.ts';
import type { CaptureReplay } from '../../host/net/capture-replay.ts';
import type { Capture } from '../../host/net/capture.ts';
import { DHCP_ADDRESSES } from '../../host/net/dhcp-server.ts';
import type { Passt } from '../../host/net/passt.ts';
import { SharedWire } from '../../host/net/shared-wire.ts';
import { ipv4Number, ipv4Text, type UdpAddress } from '../../host/net/socket-address.ts';
import type { TapDevice } from '../../host/net/tap-device.ts';
import type { HostForward, UserBridgeOptions } from '../../host/net/user-bridge.ts';
import { DNS_IP, GATEWAY_IP, NETWORK_IP } from '../../host/net/user-network.ts';
import { UserMistake } from '../../host/problem.ts';
import type { OutsideRecord } from '../../host/record/outside-record.ts';
import { type FarLink, RecordedLink } from '../../host/record/recorded-link.ts';
import type { NetGeneratorOptions } from '../../systems/generator-options.ts';
import type { Guest } from '../../systems/guests.ts';
import type * as Generation from '../../systems/net-generator.ts';
import type { WireParts } from '../../systems/testbed.ts';
import type { Attachment } from '../run/attachment.ts';
import { bridgeToPasst, bridgeToTap, openBridge } from './bridges.ts';
import type { Captures } from './captures.ts';
import type { NetOptions } from './options.ts';

export interface NetAttachmentOptions {
  readonly net: NetOptions;
  /** Where what passes the NIC is written down, if anywhere. */
  readonly captures: Captures | undefined;
  /** Its name in captures. */
  readonly interfaceName: string;
  /** As `--net` names it. */
  readonly nicName: string;
  /** Generators: with `--net loop` the first alone, else beside the bridge. */
  readonly generators: readonly NetGeneratorOptions[];
  readonly clock: 'virtual' | 'host';
  /** Programs whose address is known from their configuration. */
  readonly guests: readonly Guest[];
  /** Whether there may be others, which ask for one by DHCP: what an image does is not known. */
  readonly asking: 'possible' | 'nobody';
  readonly onNotice: (line: string) => void;
}

/** One NIC's; `attachments.ts` puts together those of a run. */
export class NetAttachment implements Omit<Attachment, 'wires'> {
  readonly unrecorded = undefined;
  readonly #options: NetAttachmentOptions;
  #parts: WireParts | undefined;
  #link: StagedLink | undefined;
  /** The link as the bridge has it. */
  #port: FarLink | undefined;
  #record: OutsideRecord | undefined;
  #recorded: RecordedLink | undefined;
  #capture: Capture | undefined;
  #bridge: Bridge | undefined;
  #passt: Passt | undefined;
  #reader: CaptureReader | undefined;
  #replay: CaptureReplay | undefined;
  /** Where one sends. */
  #generation: typeof Generation | undefined;
  readonly generators: TrafficGenerator[] = [];
  /** Where the host reaches guests. */
  listening: readonly UdpAddress[] = [];

  private constructor(options: NetAttachmentOptions) {
    this.#options = options;
  }

  /**
   * Checks what can be checked, and opens a capture that is to be replayed.
   *
   * @throws UserMistake
   */
  static async open(options: NetAttachmentOptions): Promise<NetAttachment> {
    const { net } = options;
    if (net.kind === 'user') checkForwards('user', net.forwards, net.dhcpStart, options);
    if (net.kind === 'slirp') checkForwards('slirp', net.forwards, net.config.dhcpStart, options);
    checkTwins(options);
    sayElsewhere(options);
    if (options.generators.length > 0 && options.guests.length === 0) {
      throw new UserMistake('--net loop: no program of this system has an address to send to');
    }
    const attachment = new NetAttachment(options);
    if (options.generators.length > 0) {
      attachment.#generation = await import('../../systems/net-generator.ts');
    }
    await attachment.#openCapture();
    return attachment;
  }

  /** What the bridge does is noted from now on. What keeps to the board's time comes by itself. */
  record(record: OutsideRecord): void {
    if (this.pace === 'host') this.#record = record;
  }

  /** What the NIC is plugged into; called while a testbed is made. */
  wire(parts: WireParts): EthernetWire {
    this.#parts = parts;
    const wire = this.#innerWire(parts);
    const { captures, interfaceName } = this.#options;
    this.#capture = captures?.of(parts, interfaceName);
    return this.#capture?.of(wire) ?? wire;
  }

  #innerWire(parts: WireParts): EthernetWire {
    const { ram } = parts;
    const { net, generators } = this.#options;
    const { clock, guests } = this.#options;
    const generation = this.#generation;
    if (generation !== undefined) {
      this.generators.push(
        ...generators.map((options, index) =>
          generation.makeNetGenerator(options, { parts, clock, guests, index }),
        ),
      );
    }
    const alone = net.kind === 'loop' ? this.generators[0] : undefined;
    if (alone !== undefined) return alone;
    this.#link = new StagedLink({
      ram,
      onTransmit: () => this.#drainReplay(),
      // The user network makes each of its frames itself; what others send may be anything.
      checksums: net.kind === 'user' || net.kind === 'loop' ? 'right' : 'unknown',
      ...(net.mtu === undefined ? {} : { mtu: net.mtu }),
    });
    if (net.kind === 'none') this.#link.setLink('down');
    this.#port = this.#portOf(this.#link);
    return generation === undefined ? this.#link : this.#shared(ram, this.#link, generation);
  }

  /** Generators beside the cable to the host. */
  #shared(
    ram: WireParts['ram'],
    link: EthernetWire,
    { generatorMac }: typeof Generation,
  ): EthernetWire {
    let wire = link;
    this.generators.forEach((station, index) => {
      wire = new SharedWire({ ram, station, mac: generatorMac(index), others: wire });
    });
    return wire;
  }

  #portOf(link: StagedLink): FarLink {
    if (this.#record === undefined) return link;
    this.#recorded ??= new RecordedLink(this.#record, link);
    this.#recorded.renew(link);
    return this.#recorded;
  }

  /**
   * A replay keeps the board's time: what is answered must not wait for the host's next turn, or it
   * may overrun.
   */
  #drainReplay(): void {
    if (this.#replay !== undefined) this.#link?.drain(this.#replay);
  }

  /**
   * Opens the bridge: from now on the host reaches the board.
   *
   * @throws UserMistake when an address cannot be had
   */
  async plugIn(wake: () => void): Promise<void> {
    const { net, guests, onNotice } = this.#options;
    const port = this.#port;
    // Of a world that is made again, the bridge is there already.
    if (port === undefined || this.#bridge !== undefined) return;
    const onDrop = (frame: Uint8Array, reason: string): void => this.#dropped(frame, reason);
    const common = { port, wake, onNotice, onDrop };
    switch (net.kind) {
      case 'user': {
        const { UserBridge } = await import('../../host/net/user-bridge.ts');
        const nowNs = (): number => this.#clock.now();
        const bridge = await UserBridge.open({ ...common, ...userNetworkOf(net, guests), nowNs });
        this.#bridge = bridge;
        this.#sayForwards(bridge.listening(), net.forwards);
        break;
      }
      case 'tap': {
        const { bridge, tap } = await bridgeToTap(net, common);
        this.#bridge = bridge;
        onNotice(tapText(net, tap, guests));
        break;
      }
      case 'passt': {
        const { bridge, passt } = await bridgeToPasst(net, common);
        this.#bridge = bridge;
        this.#passt = passt;
        break;
      }
      case 'pcap': {
        const reader = this.#reader;
        if (reader === undefined) throw new Error('the capture was opened before');
        const { CaptureReplay: Replay } = await import('../../host/net/capture-replay.ts');
        const clock = this.#clock;
        this.#replay = new Replay({ reader, name: net.path, port, clock, onNotice, onDrop });
        this.#bridge = this.#replay;
        break;
      }
      default:
        this.#bridge = await openBridge(net, common);
    }
  }

  /** A capture tells of it; whoever makes the world again makes the capture again. */
  #dropped(frame: Uint8Array, reason: string): void {
    if (this.#record === undefined) {
      this.#capture?.dropped(frame, reason);
      return;
    }
    if (this.#capture === undefined) return;
    const kept = frame.slice();
    this.#record.perform(() => this.#capture?.dropped(kept, reason), kept.length);
  }

  #sayForwards(listening: readonly UdpAddress[], forwards: readonly HostForward[]): void {
    for (const [index, { host, port }] of listening.entries()) {
      const { guestIp = 0, guestPort = 0 } = forwards[index] ?? {};
      const guest = `${ipv4Text(guestIp)}:${String(guestPort)}`;
      this.#options.onNotice(`${host}:${String(port)}/udp reaches ${guest}`);
    }
    this.listening = listening;
  }

  get #clock(): WireParts['board']['clock'] {
    if (this.#parts === undefined) throw new Error('the wire is made before the bridge');
    return this.#parts.board.clock;
  }

  start(): void {
    this.#replay?.start();
    if (this.#options.net.kind === 'loop') this.generators[0]?.start();
  }

  /** Frames that went to the NIC and came from it, on the cable to the host. */
  get traffic(): { readonly framesIn: number; readonly framesOut: number } {
    const link = this.#link?.counters;
    return { framesIn: link?.sent ?? 0, framesOut: link?.transmitted ?? 0 };
  }

  get pace(): 'host' | 'own' {
    return ['pcap', 'loop', 'none'].includes(this.#options.net.kind) ? 'own' : 'host';
  }

  get input(): 'endless' | 'coming' | 'over' {
    const { net } = this.#options;
    // Whoever forwards a port is going to use it, also when standard input has ended, as it has
    // behind `&` in a script.
    const isForwarding = net.kind === 'user' || net.kind === 'slirp';
    if (isForwarding && net.forwards.length > 0) return 'coming';
    if (net.kind === 'tap' || net.kind === 'passt') return 'coming';
    if (this.#replay === undefined) return 'endless';
    return this.#replay.over ? 'over' : 'coming';
  }

  get packets(): number {
    const answered = this.generators.reduce((sum, each) => sum + each.counters.answered, 0);
    return answered + this.traffic.framesOut;
  }

  flush(): void {
    const port = this.#port;
    if (port !== undefined && this.#bridge !== undefined) {
      if (port.waiting > 0) port.drain(this.#bridge);
      this.#bridge.flush();
    }
  }

  async #openCapture(): Promise<void> {
    const { net } = this.#options;
    if (net.kind !== 'pcap') return;
    const { openReplay } = await import('../../host/net/usable-capture.ts');
    this.#reader = openReplay(net.path);
  }

  /** The world is to be made again. */
  async rewind(): Promise<void> {
    this.generators.length = 0;
    if (this.#record !== undefined) return;
    await this.close();
    this.#bridge = undefined;
    this.#replay = undefined;
    this.#passt = undefined;
    await this.#openCapture();
  }

  async close(): Promise<void> {
    this.flush();
    await this.#bridge?.close();
    await this.#passt?.close();
    // As with tcpdump: what could be read has been used, and yet the run has not done all that was
    // asked.
    if (this.#replay?.problem !== undefined) process.exitCode = 1;
  }

  counters(): Record<string, unknown> {
    return {
      kind: this.#options.net.kind,
      ...(this.#link === undefined ? {} : { link: { ...this.#link.counters } }),
      ...(this.#bridge === undefined ? {} : { bridge: this.#bridge.counters() }),
      ...(this.#replay?.problem === undefined ? {} : { captureProblem: this.#replay.problem }),
      ...(this.#generation === undefined
        ? {}
        : { generators: this.generators.map(this.#generation.generatorCounters) }),
    };
  }
}

type TapOptions = Extract<NetOptions, { kind: 'tap' }>;

/** @throws UserMistake when an address that somebody has there is a guest's */
function checkTwins({ net, guests }: NetAttachmentOptions): void {
  for (const { pd, ip } of guests) {
    const number = ipv4Number(ip);
    if (net.kind === 'tap' && net.host?.ip === number) {
      throw new UserMistake(`--net tap: host=${ip} is the address of ${pd}; choose another`);
    }
    const who = hasOwnNetwork(net) ? whoHas(number, net.kind) : undefined;
    if (who === undefined) continue;
    throw new UserMistake(
      `--net ${net.kind}: ${ip} is the ${who} there, and the address of ${pd}; give ${pd} another`,
    );
  }
}

/** Of slirp alone there is a name server at the address that the others name, too. */
function whoHas(ip: number, kind: NetOptions['kind']): string | undefined {
  if (ip === ipv4Number(GATEWAY_IP)) return 'gateway';
  return kind === 'slirp' && ip === ipv4Number(DNS_IP) ? 'name server' : undefined;
}

function hasOwnNetwork({ kind }: NetOptions): boolean {
  return kind === 'user' || kind === 'slirp' || kind === 'passt';
}

/** What has been done, and what can be tried now. */
function tapText(
  { name, host }: TapOptions,
  { origin }: TapDevice,
  guests: readonly Guest[],
): string {
  const done = `${name}: ${origin === 'made' ? 'made' : 'joined'}`;
  if (host === undefined) return done;
  const shift = 32 - host.prefix;
  const near = guests.find(({ ip }) => ipv4Number(ip) >>> shift === host.ip >>> shift);
  const network = `${ipv4Text(host.ip)}/${host.prefix}`;
  if (near !== undefined) return `${done}, the host is ${network}; try ping ${near.ip}`;
  const known = guests.map(({ ip }) => ip).join(', ');
  const others = known === '' ? '' : `; guests are elsewhere: ${known}`;
  return `${done}, the host is ${network}${others}`;
}

/** A cable to a network that no guest is in, as a router's second NIC: legal, and of no use. */
function sayElsewhere({ net, guests, asking, nicName, onNotice }: NetAttachmentOptions): void {
  if (!hasOwnNetwork(net) || asking === 'possible' || guests.length === 0) return;
  const networkOf = (ip: string): number => ipv4Number(ip) >>> 8;
  if (guests.some(({ ip }) => networkOf(ip) === networkOf(NETWORK_IP))) return;
  const known = guests.map(({ pd, ip }) => `${pd} is ${ip}`).join(', ');
  onNotice(
    `${nicName}: ${net.kind} is the network ${NETWORK_IP}/24, and ${known}: ` +
      'neither finds the other; give it tap, stream, dgram, vde or socket, which have no addresses of their own',
  );
}

type UserOptions = Extract<NetOptions, { kind: 'user' }>;

function userNetworkOf(
  { forwards, dhcpStart }: UserOptions,
  guests: readonly Guest[],
): Pick<UserBridgeOptions, 'forwards' | 'dhcpStart' | 'fixedAddresses'> {
  return { forwards, dhcpStart, fixedAddresses: guests.map((guest) => ipv4Number(guest.ip)) };
}

function checkForwards(
  kind: string,
  forwards: readonly Pick<HostForward, 'guestIp'>[],
  dhcpStart: number,
  { guests, asking }: NetAttachmentOptions,
): void {
  const leases = asking === 'possible' ? { first: dhcpStart, count: DHCP_ADDRESSES } : undefined;
  for (const { guestIp } of forwards) {
    const ip = ipv4Text(guestIp);
    if (guests.some((guest) => guest.ip === ip)) continue;
    if (leases !== undefined && guestIp >= leases.first && guestIp < leases.first + leases.count) {
      continue;
    }
    const known = guests.map((guest) => guest.ip).join(', ');
    const has = known === '' ? 'no program of this system has an address' : `known are ${known}`;
    const range =
      leases === undefined
        ? ''
        : `; DHCP gives ${ipv4Text(leases.first)} to ${ipv4Text(leases.first + leases.count - 1)}`;
    throw new UserMistake(`--net ${kind},hostfwd: nobody has the address ${ip}; ${has}${range}`);
  }
}
