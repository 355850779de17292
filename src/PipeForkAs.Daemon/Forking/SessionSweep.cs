using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Ends the processes of a worker's session that left its process group, as a shell's background jobs do.</summary>
internal static class SessionSweep
{
    /// <summary>More rounds than this: a job forks faster than it can be killed, and only a control group ends it.</summary>
    private const int Rounds = 8;

    /// <summary>Orphans become children of a process's first thread; proc_tid_children(5).</summary>
    private static readonly string OwnChildren = string.Create(CultureInfo.InvariantCulture, $"/proc/self/task/{Environment.ProcessId}/children");

    /// <summary>Kills every process of a session. The session's leader must not be reaped yet, or its number could be another's.</summary>
    public static void Kill(ProcessId session)
    {
        for (int round = 0; round < Rounds; round++)
        {
            bool found = false;
            foreach (string folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                    && pid != session.Value && IsLiveMember(folder, session.Value))
                    found |= KillMember(new ProcessId(pid), folder, session.Value);
            }

            if (!found)
                return;
        }
    }

    /// <summary>
    /// Kills what a worker that has ended left behind in its session. Mostly that is nothing, and then this is cheap: whoever's
    /// parent ended is the daemon's child now (it is the subreaper; prctl(2)), so that without such a child there is no member at all.
    /// </summary>
    public static void KillLeftBehind(ProcessId session)
    {
        if (HasOrphans(session))
            Kill(session);
    }

    private static bool HasOrphans(ProcessId session)
    {
        string children;
        try
        {
            children = File.ReadAllText(OwnChildren);
        }
        catch (IOException)
        {
            return true; // A kernel without CONFIG_PROC_CHILDREN: only a look at all processes tells.
        }

        foreach (Range word in children.AsSpan().Split(' '))
        {
            if (int.TryParse(children.AsSpan(word), NumberStyles.None, CultureInfo.InvariantCulture, out int pid)
                && pid != session.Value && Libc.getsid(new ProcessId(pid)) == session)
                return true;
        }

        return false;
    }

    /// <summary>The number may be another's since it was looked at. The descriptor stands for one process: once more, and then it is surely the one.</summary>
    private static bool KillMember(ProcessId pid, string folder, int session)
    {
        try
        {
            using FileDescriptor process = Libc.pidfd_open(pid);
            return IsLiveMember(folder, session) && Libc.pidfd_send_signal(process, Signal.SIGKILL);
        }
        catch (SystemCallException failure)
        {
            // It ended meanwhile; or there is no descriptor left, and its number must do.
            return failure.Errno != Errno.ESRCH && failure.Errno != Errno.EINVAL && Libc.kill(pid, Signal.SIGKILL);
        }
    }

    private static bool IsLiveMember(string folder, int session)
    {
        string text;
        try
        {
            text = File.ReadAllText(Path.Combine(folder, "stat"));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false; // It ended meanwhile.
        }

        // pid (name) state ppid pgrp session ...; the name may hold anything, so count from its last ')'. proc_pid_stat(5).
        string[] fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields.Length > 3 && fields[0] is not ("Z" or "X") && fields[3] == session.ToString(CultureInfo.InvariantCulture);
    }
}
