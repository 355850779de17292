using System.Globalization;
using PipeForkAs.Daemon.Configuration;
using PipeForkAs.Daemon.Loading;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Reloading;

/// <summary>Finds the socket of a daemon that is running, whatever its configuration says by now.</summary>
internal static class ServedSocket
{
    /// <summary>What systemd tells the process id of the daemon by, to the commands of ExecReload=; systemd.exec(5).</summary>
    public const string ProcessVariable = "MAINPID";

    /// <summary>The flag of a listening socket in /proc/net/unix: __SO_ACCEPTCON of the kernel's net.h.</summary>
    private const int Listening = 1 << 16;

    /// <summary>
    /// The path at which a process listens, by its descriptors. The file may be another one's by now: whoever connects must ask the kernel
    /// who listens there.
    /// </summary>
    /// <exception cref="IOException">The process is gone, or cannot be looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">The process cannot be looked at.</exception>
    public static string? Of(ProcessId process)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Value}");
        var own = new HashSet<string>(StringComparer.Ordinal);
        foreach (string descriptor in Directory.EnumerateFiles($"{folder}/fd"))
        {
            if (Libc.readlink(descriptor) is { } target && target.StartsWith("socket:[", StringComparison.Ordinal))
                own.Add(target["socket:[".Length..^1]);
        }

        return File.ReadLines($"{folder}/net/unix").Select(line => PathOf(line, own)).FirstOrDefault(static path => path is not null);
    }

    /// <summary>The path that the configuration names, as far as it can be read; else the default one.</summary>
    /// <param name="chosen">The file that <c>--config</c> names; null for the usual ones.</param>
    public static string OfConfiguration(string? chosen)
    {
        string path = ClientProtocol.DefaultSocketPath;
        foreach (string file in ConfigurationFiles.Find(chosen))
        {
            try
            {
                path = ConfigurationFile.Read(file).Values.FirstOrDefault(static entry => IsPath(entry.Key)).Value ?? path;
            }
            catch (ConfigurationException)
            {
                // What is wrong with the file is for the daemon to tell, in its answer.
            }
        }

        return path;
    }

    private static bool IsPath(string key) => key.Equals("Socket:Path", StringComparison.OrdinalIgnoreCase);

    /// <summary>
    /// The path of a listening stream socket. A line: Num RefCount Protocol Flags Type St Inode Path; the numbers but the inode in hex.
    /// </summary>
    private static string? PathOf(string line, HashSet<string> inodes)
    {
        string[] words = line.Split(' ', 8, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 8 && inodes.Contains(words[6])
            && int.TryParse(words[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int flags) && (flags & Listening) != 0
            && words[7][0] is '/' or '@'
                ? words[7]
                : null;
    }
}
