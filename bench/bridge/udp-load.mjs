// What native/udp-load.c does, where there is no compiler; see there. Plain JavaScript: it is a
// process of its own.

import { createSocket } from 'node:dgram';

const LOST_MS = 100;
const [host, ...numbers] = process.argv.slice(2);
const [port, window, bytes, milliseconds] = numbers.map(Number);
const roundTrips = [];
const begin = process.hrtime.bigint();
const end = begin + BigInt(Math.round(milliseconds)) * 1_000_000n;
let underWay = 0;
let lost = 0;

const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
socket.connect(port, host, () => {
  fill();
  const look = setInterval(() => {
    if (process.hrtime.bigint() >= end) {
      clearInterval(look);
      finish();
    } else if (roundTrips.length === seen) {
      lost += underWay;
      underWay = 0;
      fill();
    }
    seen = roundTrips.length;
  }, LOST_MS);
});
socket.on('message', (data) => {
  roundTrips.push(Number(process.hrtime.bigint() - data.readBigUInt64LE(0)));
  underWay = Math.max(0, underWay - 1);
  if (process.hrtime.bigint() < end) fill();
});
let seen = 0;

function fill() {
  for (; underWay < window; underWay += 1) {
    const data = Buffer.alloc(bytes);
    data.writeBigUInt64LE(process.hrtime.bigint(), 0);
    socket.send(data);
  }
}

function finish() {
  socket.close();
  const timeNs = Number(process.hrtime.bigint() - begin);
  roundTrips.sort((one, other) => one - other);
  const at = (share) => roundTrips[Math.floor((roundTrips.length - 1) * share)] ?? 0;
  console.log([roundTrips.length, lost, timeNs, at(0.5), at(0.99)].join(' '));
}
