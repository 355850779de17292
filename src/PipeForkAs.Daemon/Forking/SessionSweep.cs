using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Forking;

/// <summary>Ends the processes of a worker's session that left its process group, as a shell's background jobs do.</summary>
internal static class SessionSweep
{
    /// <summary>More rounds than this: a job forks faster than it can be killed, and only a control group ends it.</summary>
    private const int Rounds = 8;

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
                    found |= Libc.kill(new ProcessId(pid), Signal.SIGKILL);
            }

            if (!found)
                return;
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
