using System.Text.Json;
using PipeForkAs.Jobs;
using PipeForkAs.LibC;

namespace PipeForkAs.TestJobs;

/// <summary>An attempt.</summary>
/// <param name="What">The call.</param>
/// <param name="Succeeded">Whether it was allowed; none of them may be.</param>
/// <param name="Failure">Why it failed.</param>
internal sealed record Attempt(string What, bool Succeeded, string? Failure);

/// <summary>The job <c>regain-root</c>: every way back to root that the code of a user could try.</summary>
internal static class RegainRoot
{
    private const ulong AllCapabilities = (1UL << 41) - 1;

    public static int Try(JobContext context)
    {
        var group = new GroupId(0);
        ProcessId parent = Libc.getppid();
        IReadOnlyList<Attempt> attempts =
        [
            Attempt("setresuid(0, 0, 0)", () => Libc.setresuid(UserId.Root, UserId.Root, UserId.Root)),
            Attempt("setresuid(-1, 0, -1)", () => Libc.setresuid(UserId.Unchanged, UserId.Root, UserId.Unchanged)),
            Attempt("setresgid(0, 0, 0)", () => Libc.setresgid(group, group, group)),
            Attempt("setgroups(0)", () => Libc.setgroups([group])),
            Attempt("capset(all)", () => Libc.capset(new CapabilitySets(AllCapabilities, AllCapabilities, 0))),
            Attempt("open(/etc/shadow)", () => Libc.open("/etc/shadow", OpenFlags.O_RDONLY).Dispose()),
            Attempt("open(/proc/PARENT/mem)", () => Libc.open($"/proc/{parent}/mem", OpenFlags.O_RDWR).Dispose()),
            Attempt("open(/proc/PARENT/environ)", () => Libc.open($"/proc/{parent}/environ", OpenFlags.O_RDONLY).Dispose()),
            Attempt("kill(PARENT, 0)", () => Libc.kill(parent, new Signal(0))),
            Attempt("kill(PARENT, SIGCONT)", () => Libc.kill(parent, Signal.SIGCONT)),
            Attempt("setpriority(-20)", () => Libc.setpriority(-20)),
            Attempt("setrlimit(NOFILE, more)", () => Libc.setrlimit(ResourceLimit.RLIMIT_NOFILE, 1 << 20, 1 << 20)),
        ];
        JsonSerializer.Serialize(context.Output, attempts, TestJson.Default.IReadOnlyListAttempt);
        context.Line("");
        return attempts.Any(attempt => attempt.Succeeded) ? 1 : 0;
    }

    private static Attempt Attempt(string what, Action call)
    {
        try
        {
            call();
            return new Attempt(what, true, null);
        }
        catch (SystemCallException failure)
        {
            return new Attempt(what, false, failure.Errno.ToString());
        }
    }
}
