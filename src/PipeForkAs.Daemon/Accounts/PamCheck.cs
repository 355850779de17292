using System.Text;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// Asks PAM whether an account may be used, in a separate process: modules can handle signals, wait for children and hang, and the daemon
/// kills that process at its deadline.
/// </summary>
internal sealed class PamCheck(Loop loop, ChildReaper reaper, CurrentConfiguration configuration)
{
    /// <summary>The argument that makes the daemon's executable do the check; the service and the account name follow it.</summary>
    public const string Argument = "--check-account-by-pam";

    private const string OomScore = "/proc/self/oom_score_adj";
    private const int MaxAnswerBytes = 1024;

    /// <summary>
    /// Asks PAM. Returns null if the account may be used, otherwise PAM's message. Completes when the process has ended, which can be long
    /// after its deadline.
    /// </summary>
    /// <param name="service">The PAM service.</param>
    /// <param name="user">The account name.</param>
    /// <exception cref="UserLookupException">There is no answer in time.</exception>
    public async Task<string?> AskAsync(string service, string user)
    {
        var ended = new TaskCompletionSource<WaitStatus>();
        bool isLate = false;
        TimeSpan timeout = configuration.Limits.LookupTimeout;
        (ProcessId pid, FileDescriptor read) = Start(service, user, ended);
        using (read)
        using (loop.Schedule(timeout, () =>
        {
            isLate = true;
            loop.Start(() => EndAllAsync(pid, ended.Task));
        }))
        {
            WaitStatus status = await ended.Task;
            if (isLate)
                throw new UserLookupException($"PAM did not answer within {timeout.TotalSeconds:0.###} s");
            return status switch
            {
                WaitStatus.Exited { Code: 0 } => null,
                WaitStatus.Exited { Code: 1 } => Answer(read),
                _ => throw new UserLookupException($"the process that asks PAM failed: {status}"),
            };
        }
    }

    private (ProcessId Pid, FileDescriptor Read) Start(string service, string user, TaskCompletionSource<WaitStatus> ended)
    {
        FileDescriptor? read = null;
        try
        {
            (read, FileDescriptor write) = Libc.pipe2();
            using (write)
            using (FileDescriptor nothing = Libc.open("/dev/null", OpenFlags.O_RDWR))
            {
                ProcessId pid = reaper.Start(() =>
                {
                    ProcessId started = Libc.posix_spawn(
                        "/proc/self/exe", ["pipeforkasd", Argument, service, user],
                        ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"], [(nothing, 0), (write, 1)]);
                    reaper.Register(started, child => ended.SetResult(child.Status));
                    return started;
                });
                return (pid, read);
            }
        }
        catch
        {
            read?.Dispose();
            throw;
        }
    }

    /// <summary>Kills the process and its descendants. Programs that PAM modules start run as root and do not hide.</summary>
    private static async Task EndAllAsync(ProcessId pid, Task ended)
    {
        // A stopped process starts no other process and stays the parent of its children. Its id is valid until the reaper reports its end.
        Libc.kill(pid, Signal.SIGSTOP);
        List<ProcessEntry> started = [];
        try
        {
            started = await Task.Run(() => ProcessEntry.Descendants(pid));
        }
        finally
        {
            if (!ended.IsCompleted)
                Libc.kill(pid, Signal.SIGKILL);
        }

        await Task.Run(() => started.ForEach(process => process.Send(Signal.SIGKILL)));
    }

    /// <summary>
    /// The code of the separate process: asks PAM, writes PAM's message to standard output, and returns the exit code of the process.
    /// </summary>
    public static int Run(string service, string user)
    {
        // PAM modules do not get the daemon's protection from the OOM killer (OOMScoreAdjust=).
        if (PlainFile.Read(OomScore).StartsWith('-'))
            PlainFile.Write(OomScore, "0").OrThrow($"write(\"{OomScore}\")");

        (int code, string text) = Pam.CheckAccount(service, user);
        if (code == Pam.Success)
            return 0;
#pragma warning disable CA2000 // The process keeps the descriptor open until it exits.
        var output = new FileDescriptor(1);
#pragma warning restore CA2000
        Libc.write(output, Encoding.UTF8.GetBytes($"{text} ({code})"));
        output.Release();
        return 1;
    }

    private static string Answer(FileDescriptor read)
    {
        // A module can have left a process that keeps the other end open.
        Libc.set_nonblocking(read);
        Span<byte> answer = stackalloc byte[MaxAnswerBytes];
        return UntrustedText.Escape(answer[..(int)Libc.read(read, answer).Count]);
    }
}
