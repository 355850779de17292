using PipeForkAs.Daemon.EventLoop;
using PipeForkAs.Daemon.Files;
using PipeForkAs.Daemon.Isolation;
using PipeForkAs.Daemon.Processes;
using PipeForkAs.Daemon.Users;
using PipeForkAs.LibC;
using PipeForkAs.Protocol;

namespace PipeForkAs.Daemon.Accounts;

/// <summary>
/// Asks PAM in a separate process: modules can handle signals, wait for children and hang, and the daemon kills that process at its
/// deadline.
/// </summary>
internal sealed class PamProcess(Loop loop, ChildReaper reaper)
{
    private const string OomScore = "/proc/self/oom_score_adj";

    private readonly Dictionary<ProcessId, Task> running = [];
    private const int MaxAnswerBytes = 1024;

    /// <summary>
    /// Runs the daemon's own executable with arguments. Completes when the process has ended, which can be long after its deadline.
    /// </summary>
    /// <param name="arguments">The arguments; all users can see them.</param>
    /// <param name="environment">Variables, as NAME=VALUE; only root can see them (proc_pid_environ(5)).</param>
    /// <param name="input">The process's standard input; null for none.</param>
    /// <param name="timeout">How long PAM can take.</param>
    /// <returns>The exit code of the process, and what it wrote.</returns>
    /// <exception cref="UserLookupException">There is no answer in time, or the process failed.</exception>
    public async Task<(int Code, string Text)> AskAsync(
        string[] arguments, string[] environment, FileDescriptor? input, TimeSpan timeout)
    {
        var ended = new TaskCompletionSource<WaitStatus>();
        bool isLate = false;
        (ProcessId pid, FileDescriptor read) = Start(arguments, environment, input, ended);
        running.Add(pid, ended.Task);
        using (read)
        using (loop.Schedule(timeout, () =>
        {
            isLate = true;
            loop.Start(() => EndAllAsync(pid, ended.Task));
        }))
        {
            WaitStatus status = await ended.Task;
            running.Remove(pid);
            if (isLate)
                throw new UserLookupException($"PAM did not answer within {timeout.TotalSeconds:0.###} s");
            return status is WaitStatus.Exited exited
                ? (exited.Code, Answer(read))
                : throw new UserLookupException($"the process that asks PAM failed: {status}");
        }
    }

    /// <summary>Kills the processes that still run, with their descendants, because the daemon stops.</summary>
    public Task StopAsync() => Task.WhenAll(running.Select(static process => StopAsync(process.Key, process.Value)).ToArray());

    /// <summary>
    /// Prepares the separate process. PAM modules do not get the daemon's protection from the OOM killer (OOMScoreAdjust=), and do not
    /// outlive the daemon, even if it was killed.
    /// </summary>
    public static void Enter()
    {
        new Thread(EndWithDaemon) { IsBackground = true }.Start();
        if (PlainFile.Read(OomScore).StartsWith('-'))
            PlainFile.Write(OomScore, "0").OrThrow($"write(\"{OomScore}\")");
    }

    /// <summary>
    /// Waits until the daemon no longer has its end of the pipe for the answer, and then kills this process and what the modules started.
    /// PR_SET_PDEATHSIG is not enough: the kernel forgets it when a module changes its user, and it ends no descendants; prctl(2).
    /// </summary>
    private static void EndWithDaemon()
    {
#pragma warning disable CA2000 // The process keeps the descriptor open until it exits.
        var descriptor = new FileDescriptor(1);
#pragma warning restore CA2000
        PollEntry[] output = [new(descriptor, default)];
        descriptor.Release();
        // POLLERR; POLLNVAL if a module closed the descriptor.
        while (output[0].Returned == default)
            Libc.poll(output, -1);
        ProcessId own = Libc.getpid();
        try
        {
            ProcessEntry.Descendants(own).ForEach(process => process.Send(Signal.SIGKILL));
        }
        finally
        {
            Libc.kill(own, Signal.SIGKILL);
        }
    }

    /// <summary>Writes the answer of the separate process.</summary>
    public static void Tell(string text)
    {
#pragma warning disable CA2000 // The process keeps the descriptor open until it exits.
        var output = new FileDescriptor(1);
#pragma warning restore CA2000
        Libc.write(output, System.Text.Encoding.UTF8.GetBytes(text));
        output.Release();
    }

    private (ProcessId Pid, FileDescriptor Read) Start(
        string[] arguments, string[] environment, FileDescriptor? input, TaskCompletionSource<WaitStatus> ended)
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
                        "/proc/self/exe", ["pipeforkasd", .. arguments],
                        ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", .. environment], [(input ?? nothing, 0), (write, 1)]);
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

    private static async Task StopAsync(ProcessId pid, Task ended)
    {
        try
        {
            await EndAllAsync(pid, ended);
        }
        catch (Exception failure) when (failure is SystemCallException or IOException)
        {
            // The process was killed; its descendants cannot be found. The daemon stops in any case.
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

    private static string Answer(FileDescriptor read)
    {
        // A module can have left a process that keeps the other end open.
        Libc.set_nonblocking(read);
        Span<byte> answer = stackalloc byte[MaxAnswerBytes];
        return UntrustedText.Escape(answer[..(int)Math.Max(0, Libc.read(read, answer).Count)]);
    }
}
