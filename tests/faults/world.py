"""The whole service with proxies in front of database and broker, and the faults to inject."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from signal import SIGCONT, SIGKILL, SIGSTOP, Signals

import redis

from mediapipe.operations import programs
from mediapipe.operations.programs import Program
from mediapipe.operations.supervisor import Supervisor
from mediapipe.settings.queues import QUEUES
from mediapipe.simulator import Simulator
from mediapipe.simulator.payloads import Webhook
from mediapipe.simulator.script import MediaScript
from mediapipe.simulator.webhooks import NO_ANSWER
from tests.faults import clock, failpoints, short_timeouts
from tests.faults.judge import Judge, Row, Verdict
from tests.faults.processes import GRACE_S, end, manage, signal_children, supervised
from tests.faults.proxy import Proxy
from tests.support import servers
from tests.support.service import LONG_S, unexpected_errors, wait_for_line, wait_until_ready

PORTS = {"database": 5432, "rabbitmq": 5672, "redis": 6379}
# Each thread keeps a connection to PostgreSQL, which allows 100: two of the services that run side
# by side, with three workers each, came to 98 with the default of 16.
WORKER_THREADS = 8


class World:
    """Web, worker and beat, which reach the database and the broker through one proxy each."""

    def __init__(
        self,
        url: str,
        supervisor: Supervisor,
        proxies: dict[str, Proxy],
        judge: Judge,
        folder: Path,
    ) -> None:
        self.url = url
        self.supervisor = supervisor
        self.database, self.broker = proxies["database"], proxies["broker"]
        self.broker_url = supervisor.env["REAL_BROKER_URL"]
        self.judge = judge
        self.twilio = judge.twilio
        self.failpoints = folder
        self.log_dir = supervisor.log_dir or folder
        self.sent: dict[str, MediaScript] = {}
        self.logged_before: set[str] = set()

    # Twilio's side

    def send(self, *webhooks: Webhook, answer: int = 200) -> list[float]:
        """Send webhooks, require this status, and return how many seconds each took."""
        before = len(self.twilio.deliveries())
        with ThreadPoolExecutor(min(64, len(webhooks))) as pool:
            answers = list(pool.map(self.twilio.send, webhooks))
        assert set(answers) == {answer}, f"answered {Counter(answers)}"
        self.sent |= {script.sid: script for webhook in webhooks for script in webhook.media}
        return [delivery.took_s for delivery in self.twilio.deliveries()[before:]]

    def send_until_accepted(self, webhook: Webhook) -> None:
        """Send a webhook until it gets a response, as Twilio does by retries and fallback URL."""
        deadline = time.monotonic() + LONG_S
        while (status := self.twilio.send(webhook)) != 200:
            assert status == NO_ANSWER, f"answered {status}"
            assert time.monotonic() < deadline, "no response"
        self.sent |= {script.sid: script for script in webhook.media}

    def wait_for_requests(self, webhook: Webhook, times: int = 1) -> None:
        """Wait until the service has requested each of the webhook's media this many times."""
        for script in webhook.media:
            self.twilio.log.wait_for(script.sid, times, timeout_s=LONG_S)

    # Faults of the processes

    def signal(self, name: str, number: Signals) -> None:
        """Send a signal to web, worker or beat."""
        self.supervisor.running[name].send_signal(number)

    def kill(self, name: str) -> None:
        """Kill a program as the OOM killer does; the supervisor restarts it."""
        process = self.supervisor.running[name]
        process.kill()
        process.wait()

    def signal_children(self, name: str, number: Signals = SIGKILL) -> int:
        """Signal the child processes of a program, by default kill; return how many there are."""
        return signal_children(self.supervisor.running[name], number)

    def terminate(self, name: str) -> int:
        """Terminate a program as a deployment does; return its exit status. It is restarted."""
        process = self.supervisor.running[name]
        process.terminate()
        return process.wait(GRACE_S)

    @contextmanager
    def stopped(self, name: str) -> Iterator[None]:
        """Freeze a program inside the block, as a paused or swapping host does."""
        process = self.supervisor.running[name]
        process.send_signal(SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(SIGCONT)

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """Keep a program dead inside the block; what its sockets had buffered is lost."""
        before = self.supervisor.programs
        self.supervisor.programs = {n: program for n, program in before.items() if n != name}
        self.kill(name)
        try:
            yield
        finally:
            self.supervisor.programs = before

    @contextmanager
    def with_programs(self, *programs: Program) -> Iterator[None]:
        """Run more programs inside the block, under the same supervisor."""
        before = self.supervisor.programs
        self.supervisor.programs = before | {program.name: program for program in programs}
        for program in programs:
            self.supervisor.start(program.name)
        try:
            yield
        finally:
            self.supervisor.programs = before
            for program in programs:
                end(self.supervisor.running.pop(program.name))

    def another_worker(self, name: str) -> Program:
        """Return the program of one more worker."""
        command = [*self.supervisor.programs["worker"].command, "--hostname", f"{name}@%h"]
        return Program(name, command, GRACE_S)

    def arm(self, failpoint: str, number: Signals = SIGKILL) -> Path:
        """Send this signal to the next process that reaches this failpoint."""
        return failpoints.arm(self.failpoints, failpoint, number)

    def times_logged(self, name: str, text: str) -> int:
        """Return how many times a program's log contains this text."""
        return (self.log_dir / f"{name}.log").read_text().count(text)

    def wait_until_logged(self, name: str, text: str, more_than: int) -> None:
        """Wait until a program's log contains this text more than this many times."""
        deadline = time.monotonic() + LONG_S
        while self.times_logged(name, text) <= more_than:
            assert time.monotonic() < deadline, f"{name} did not log {text!r} again"
            time.sleep(0.1)

    def retry(self, reason: str) -> None:
        """Retry what has failed with this slug, as an operator does."""
        self.judge.wait_until_final(list(self.sent.values()), LONG_S)
        manage(self.supervisor.env, "retry", "--error", reason)

    # Results

    def rows(self, webhook: Webhook) -> list[Row]:
        """Return the rows of a webhook's media."""
        return self.judge.rows(webhook.media)

    def wait_for_row(self, webhook: Webhook, **values: object) -> Row:
        """Return the first row of a webhook's media once it has these values."""
        deadline = time.monotonic() + LONG_S
        while time.monotonic() < deadline:
            for row in self.rows(webhook)[:1]:
                if all(row[name] == value for name, value in values.items()):
                    return row
            time.sleep(0.05)
        raise TimeoutError(f"{self.rows(webhook)} never had {values}")

    def wait_for_result(self, attempt: Row) -> None:
        """Wait until the task that made this attempt has finished."""
        deadline = time.monotonic() + LONG_S
        while not self.judge.result(attempt["task_id"]):
            assert time.monotonic() < deadline, f"the task of {attempt} never finished"
            time.sleep(0.1)

    def settle(self, timeout_s: float = LONG_S, *, ordered: bool = True) -> Verdict:
        """Wait until everything sent is in a final state, and judge it."""
        scripts = list(self.sent.values())
        self.judge.wait_until_final(scripts, timeout_s)
        verdict = self.judge.verdict(scripts, ordered=ordered)
        unexpected = set(unexpected_errors(self.log_dir)) - self.logged_before
        return replace(verdict, problems=(*verdict.problems, *sorted(unexpected)))

    def empty_broker(self) -> None:
        """Delete every message in the broker, as a restart without its disk does."""
        if self.broker_url.startswith("redis"):
            with redis.Redis.from_url(self.broker_url) as client, client.pipeline() as together:
                together.flushdb()
                # Otherwise the tests of another process could take the empty database.
                together.set(servers.TAKEN, 1)
                together.execute()
            return
        vhost = self.broker_url.rpartition("/")[2]
        for queue in QUEUES:
            servers.rabbitmqctl("purge_queue", "-p", vhost, queue)

    def restore(self) -> None:
        """Undo every fault, for the next test."""
        for proxy in (self.database, self.broker):
            proxy.switch("pass")
        clock.reset(self.failpoints)
        for file in self.failpoints.iterdir():
            # A process may be taking it.
            file.unlink(missing_ok=True)
        for script in self.sent.values():
            script.release()
        self.sent.clear()
        self.logged_before = set(unexpected_errors(self.log_dir))
        for name in self.supervisor.running:
            self._wait_until_running(name)
        wait_until_ready(self.url)

    def _wait_until_running(self, name: str) -> None:
        deadline = time.monotonic() + LONG_S
        while self.supervisor.running[name].poll() is not None:
            assert time.monotonic() < deadline, f"{name} was not restarted"
            time.sleep(0.1)
        self.signal(name, SIGCONT)


@contextmanager
def running(
    data_dir: Path,
    database_url: str,
    broker_url: str,
    more: Sequence[Program] = (),
    timeouts: Mapping[str, str] = short_timeouts.ENVIRONMENT,
) -> Iterator[World]:
    """Run the service on these servers, with short leases and failpoints, under a supervisor.

    With `short_timeouts.NONE` as timeouts, leases and timeouts are those of production.
    """
    folder = data_dir / "failpoints"
    folder.mkdir(parents=True)
    bind = f"127.0.0.1:{servers.free_port()}"
    broker_port = PORTS["redis" if broker_url.startswith("redis") else "rabbitmq"]
    with (
        Proxy(PORTS["database"]) as database,
        Proxy(broker_port) as broker,
        Simulator(service=f"http://{bind}") as twilio,
    ):
        env = {
            **twilio.environment(),
            **timeouts,
            "WORKER_CONCURRENCY": str(WORKER_THREADS),
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "DATA_DIR": str(data_dir),
            "FAILPOINTS": str(folder),
            "DATABASE_URL": database_url.replace(f":{PORTS['database']}", f":{database.port}"),
            "CELERY_BROKER_URL": broker_url.replace(f":{broker_port}", f":{broker.port}"),
            "REAL_BROKER_URL": broker_url,
        }
        worker = programs.worker()
        parts = [
            programs.web(bind),
            replace(worker, grace_s=GRACE_S),
            *more,
            programs.beat(),
        ]
        supervisor = Supervisor(parts, env=env, log_dir=data_dir / "logs")
        manage(supervisor.env, "migrate", "--verbosity=0")
        judge = Judge(database_url, data_dir / "media", twilio)
        with supervised(supervisor):
            wait_until_ready(f"http://{bind}")
            wait_for_line(data_dir / "logs" / "worker.log", " ready.")
            proxies = {"database": database, "broker": broker}
            yield World(f"http://{bind}", supervisor, proxies, judge, folder)
            # The programs shut down cleanly only while they can reach their servers.
            for proxy in proxies.values():
                proxy.switch("pass")
