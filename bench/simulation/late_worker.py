"""A worker that binds late: it claims what its hosts can bear in the next moment, and no more.

A model of the product's worker, whose limits (`HostLimiter`) and tries (`Attempt`) are the product's own.
Weak: where the worker itself is the limit, it serves its hosts as they come, not each job alike.
"""

from bench.simulation.fair_queue import Part
from bench.simulation.fleet import BEAT_SECONDS, STATEMENT_SECONDS, Fleet
from bench.simulation.lease import Lease, Task
from bench.simulation.photo_host import FAILURES, Job, Says
from retailpulse.config.settings import FetchSettings
from retailpulse.fetch.failures import TryFailed

PERIOD_SECONDS = 0.025
"""At most one claim in so long."""
CLAIMED_IMAGE_SECONDS = 0.000_003
_GOLDEN = 0.618
_WAKE_SECONDS = 0.001
_SETTINGS = FetchSettings()


class LateWorker:
    """One worker process."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet, self.clock, self.number = fleet, fleet.clock, len(fleet.workers)
        fleet.workers.append(self)
        self.is_alive, self.is_swept = True, False
        self.beat_at = self.clock.now
        self.held: dict[tuple[Job, int], Task] = {}
        self.in_flight = 0
        self._leases: dict[str, Lease] = {}
        self._claimed_at = float("-inf")
        self._is_claiming = False
        self.clock.after(BEAT_SECONDS * (self.number * _GOLDEN % 1), self._beat)

    def look(self, host: str) -> None:
        """Something may have changed at a host: take slots, hear decisions, claim."""
        if not self.is_alive:
            return
        lease, row = self._leases.get(host), self.fleet.row(host)
        waits = self.fleet.queue.head(host) is not None
        if lease is None and not waits:
            return
        if lease is None:
            lease = self._new_lease(host)
        lease.waits |= waits
        lease.learn(row, self, self.clock.now)
        if waits or lease.waiting:
            self._acquire(lease)
        self._fill(lease)
        self._claim_soon()

    def forget(self, job: Job) -> None:
        """Drop all of a job: what waits here, and requests that run."""
        if not self.is_alive:
            return
        for task in [task for (of, _), task in self.held.items() if of is job]:
            self._drop(task)
        for lease in list(self._leases.values()):
            self._fill(lease)
        self._claim_soon()

    def crash(self) -> None:
        """Die as by kill -9: connections close, and nobody is told."""
        self.is_alive = False
        for task in self.held.values():
            if task.is_flying:
                self.fleet.hosts[task.host].end()

    def put_all_back(self) -> None:
        """All that was in hand waits again, where it was."""
        for (job, image), task in self.held.items():
            if job.is_ongoing:
                self.fleet.queue.put_back(job, task.granted_at, task.tag, [image])
        self.held.clear()

    def _new_lease(self, host: str) -> Lease:
        lease = self._leases[host] = Lease(host)
        self.fleet.acquire(self, host, 0)
        lease.learn(self.fleet.row(host), self, self.clock.now)
        return lease

    def _acquire(self, lease: Lease) -> None:
        """Ask for this worker's share of slots, as far as the worker itself can use them."""
        spare = self.fleet.capacity - sum(one.slots for one in self._leases.values())
        want = min(lease.share - lease.slots, spare)
        if want > 0:
            self.fleet.acquire(self, lease.host, want)
            lease.learn(self.fleet.row(lease.host), self, self.clock.now)

    def _beat(self) -> None:
        if not self.is_alive:
            return
        self.beat_at = self.clock.now
        self.fleet.sweep()
        for job in {job for job, _ in self.held if not job.is_ongoing}:
            self.forget(job)
        for lease in list(self._leases.values()):
            lease.learn(self.fleet.row(lease.host), self, self.clock.now)
            if not lease.usable and not lease.used:
                self._hand_back(lease)
            self._give_back(lease, is_beat=True)
        for host in self.fleet.queue.hosts():
            self.look(host)
        for lease in list(self._leases.values()):
            self.look(lease.host)
        self.clock.after(BEAT_SECONDS, self._beat)

    def _give_back(self, lease: Lease, *, is_beat: bool = False) -> None:
        kept = lease.to_keep(is_beat=is_beat, waits=self.fleet.queue.head(lease.host) is not None)
        if kept is None:
            del self._leases[lease.host]
            self.fleet.keep(self, lease.host, None)
        elif kept < lease.slots:
            lease.slots = kept
            self.fleet.keep(self, lease.host, kept)

    def _hand_back(self, lease: Lease) -> None:
        """What waits here for a slot that this worker does not get, waits for the others again."""
        for (job, image), task in list(self.held.items()):
            if task.host == task.granted_at == lease.host and not task.is_parked and job.is_ongoing:
                self._drop(task)
                self.fleet.queue.put_back(job, lease.host, task.tag, [image])

    def _claim_soon(self) -> None:
        if not self._is_claiming:
            self._is_claiming = True
            self.clock.at(self._claimed_at + PERIOD_SECONDS, self._claim)

    def _claim(self) -> None:
        self._is_claiming, self._claimed_at = False, self.clock.now
        if not self.is_alive:
            return
        spare = self.fleet.capacity + 64 - len(self.held)
        asked, granted, commits = [], [], []
        for lease in list(self._leases.values()):
            room = min(lease.room(self.clock.now), spare) if lease.waits else 0
            if room > 0:
                parts, commit = self.fleet.queue.claim(lease.host, room, lease.slices)
                images = sum(len(part.images) for part in parts)
                spare -= images
                asked.append((lease, room, images))
                granted += [(lease, part) for part in parts]
                commits.append(commit)
        if not asked:
            return
        given = sum(images for _, _, images in asked)
        self.fleet.claims += 1
        self.fleet.given += given
        for lease, part in granted:
            for image in part.images:
                self.held[part.job, image] = Task(part.job, image, lease.host, part.tag)

        def arrived() -> None:
            for commit in commits:
                commit()
            if self.is_alive:
                self._accept(granted, asked)

        self.clock.after(STATEMENT_SECONDS + given * CLAIMED_IMAGE_SECONDS, arrived)

    def _accept(self, granted: list[tuple[Lease, Part]], asked: list[tuple[Lease, int, int]]) -> None:
        for lease, part in granted:
            for image in part.images:
                task = self.held.get((part.job, image))
                if task is not None:
                    lease.push(task)
        for lease, room, images in asked:
            lease.claimed(room, images)
            self._fill(lease)
        if any(lease.waits and lease.room(self.clock.now) for lease, _, _ in asked):
            self._claim_soon()

    def _fill(self, lease: Lease) -> None:
        """Begin what may begin."""
        limiter, now = lease.limiter, self.clock.now
        while lease.waiting and self.in_flight < self.fleet.capacity:
            if not limiter.allows(lease.used, lease.usable, now):
                self._wake_when_it_may(lease)
                break
            task = lease.pop()
            if task is None:
                break
            self._begin(lease, task)

    def _wake_when_it_may(self, lease: Lease) -> None:
        begins_at = lease.limiter.begins_at(lease.used)
        if begins_at > self.clock.now and begins_at != lease.wakes_at:
            lease.wakes_at = begins_at
            self.clock.at(begins_at + _WAKE_SECONDS, lambda: self._fill(lease))

    def _begin(self, lease: Lease, task: Task) -> None:
        lease.limiter.begin(lease.used, self.clock.now)
        lease.used += 1
        self.in_flight += 1
        if not task.attempt.has_begun:
            if not task.attempt.number:
                task.attempt.begin(_SETTINGS.timeout_seconds)
            task.attempt.has_begun = True
        task.is_flying, task.began_at = True, self.clock.now
        task.job.begun.append(self.clock.now)
        seconds, says = self.fleet.hosts[task.host].begin(self.clock.now, self.fleet.chance)
        self.clock.after(seconds, lambda: self._end(lease, task, says))

    def _end(self, lease: Lease, task: Task, says: Says) -> None:
        """A request is over, if its worker and its job still are."""
        if not self.is_alive or not task.is_flying:
            return
        self._landed(lease, task, answered=says in {Says.PHOTO, Says.REDIRECT})
        limiter, now = lease.limiter, self.clock.now
        if says is Says.PHOTO:
            limiter.answered(task.began_at, now)
            self._settle(task)
        elif says is Says.REDIRECT:
            limiter.answered(task.began_at, now)
            self._lead_on(task)
        else:
            self._try_again(lease, task, self._judge(lease, task, says))
        self._after(lease)

    def _after(self, lease: Lease) -> None:
        """What an ended request changes for those who wait, and for the fleet."""
        failure, now = lease.limiter.failure, self.clock.now
        if failure is not None and lease.limiter.is_given_up(now):
            while (task := lease.pop()) is not None:
                self._settle(task, lost=True)
        if lease.limiter.changed:
            lease.limiter.changed = False
            self._decide(lease)
        if lease.slots > lease.share:
            self._give_back(lease)
        self._fill(lease)
        self._claim_soon()

    def _decide(self, lease: Lease) -> None:
        """Write what the limiter found out, unless somebody else was first; then take that over."""
        limits, version = lease.limiter.limits(self.clock.now), lease.version

        def write() -> None:
            if self.is_alive and self.fleet.write(self, lease.host, version, limits):
                lease.version = version + 1
            if self._leases.get(lease.host) is lease:
                lease.learn(self.fleet.row(lease.host), self, self.clock.now)
                self._fill(lease)

        self.clock.after(STATEMENT_SECONDS, write)

    def _judge(self, lease: Lease, task: Task, says: Says) -> TryFailed:
        """Tell limiter and attempt of a refusal, as the product's dispatcher does."""
        limiter, now, failure = lease.limiter, self.clock.now, FAILURES[says]
        if says is Says.TOO_MANY:
            task.attempt.refused(limiter.answers)
            alone = task.attempt.is_refused_alone
            if not alone:
                limiter.refused(failure, task.began_at, now)
            if limiter.is_limited:  # which 429 says of all that the host is asked
                task.attempt.discount()
            return failure
        failed = task.attempt.classify(failure, limiter.failure).bare()
        is_excused = limiter.discounts(failed, task.began_at, now)
        if not is_excused or task.attempt.turned_away(as_many_are=limiter.turns_many_away):
            limiter.failed(failed, task.began_at, now)
        if failed.unreached and limiter.is_given_up(now):
            failed.again = False
        return failed

    def _try_again(self, lease: Lease, task: Task, failure: TryFailed) -> None:
        """Park an image until its next try, or lose it."""
        pause = task.attempt.pause_after(failure, _SETTINGS)
        if pause is None:
            self._settle(task, lost=True)
            return
        task.is_parked = True
        lease.parked += 1

        def wake() -> None:
            if task.is_parked and self.is_alive:
                task.is_parked = False
                lease.parked -= 1
                task.attempt.begin(_SETTINGS.timeout_seconds)
                self._wait_at(task)

        self.clock.after(pause, wake)

    def _lead_on(self, task: Task) -> None:
        """An image lies at another host, where it goes first."""
        task.host = self.fleet.hosts[task.host].leads_to or task.host
        self._wait_at(task, goes_on=True)

    def _wait_at(self, task: Task, *, goes_on: bool = False) -> None:
        lease = self._leases.get(task.host) or self._new_lease(task.host)
        lease.push(task, goes_on=goes_on)
        self._acquire(lease)
        self._fill(lease)

    def _settle(self, task: Task, *, lost: bool = False) -> None:
        del self.held[task.job, task.image]
        task.job.settle(self.clock.now, lost=lost)

    def _drop(self, task: Task) -> None:
        """Forget an image; abort its request."""
        del self.held[task.job, task.image]
        lease = self._leases.get(task.host)
        if lease is None:
            return
        if task.is_flying:
            self._landed(lease, task)
        elif task.is_parked:
            task.is_parked = False
            lease.parked -= 1
        else:
            task.is_dropped = True
            lease.waiting -= 1

    def _landed(self, lease: Lease, task: Task, *, answered: bool = False) -> None:
        task.is_flying = False
        lease.used -= 1
        self.in_flight -= 1
        self.fleet.hosts[task.host].end(answered=answered)
