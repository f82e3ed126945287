"""How much of this machine others use. As a program it says so, if that is too much to believe a measurement beside it."""
import os, resource, sys, time

quiet = 0.10  # others may have this part of the machine; beyond it a measurement is disturbed
cores = os.cpu_count()


def busy():
    """CPU seconds of everyone, and those that the machine was not given; interrupts are ours as much as theirs."""
    user, nice, system, _, _, _, _, steal = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + steal) / os.sysconf("SC_CLK_TCK")


def ours():
    return sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))


class others:
    """How much of the machine others had since it was made. Children count as ours once they have been waited for."""

    def __init__(self):
        self.at, self.busy, self.ours = time.monotonic(), busy(), ours()

    def share(self):
        return max(0, busy() - self.busy - (ours() - self.ours)) / (time.monotonic() - self.at) / cores


def warn(share):
    if share > quiet:
        print(f"others had {share:.0%} of this machine, more than {quiet:.0%}: do not believe these figures", file=sys.stderr)


if __name__ == "__main__":
    look = others()
    time.sleep(1)
    warn(look.share())
