// A thread that ends its process when the process that started it has gone: programs of a user's run
// beside it, which may never come back to hear of it themselves.

import net from 'node:net';
import { workerData } from 'node:worker_threads';

const line = new net.Socket({ fd: workerData.fd, readable: true, writable: false });
line.on('error', () => undefined); // it is followed by 'close'
line.on('close', () => process.kill(process.pid, 'SIGKILL'));
line.resume();
