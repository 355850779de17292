using System.Globalization;

using PipeForkAs.Protocol;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client.Exchanges;

/// <summary>Where a daemon is: the path of a socket, on this machine or on a host that ssh(1) reaches.</summary>
/// <param name="Host">The host; null for this machine.</param>
/// <param name="SocketPath">The path of the socket; empty if the host decides.</param>
/// <param name="DaemonUid">The uid of the process that must listen; null for any.</param>
internal sealed record DaemonAddress(SshHost? Host, string SocketPath, uint? DaemonUid)
{
    /// <summary>The longest path of a socket in bytes; unix(7).</summary>
    private const int MaxSocketPath = 107;

    /// <summary>What needs no quotes in a shell: ssh passes the command to the shell of the account, whichever that is.</summary>
    private const string Unquoted = "_./@%+=:,-";

    /// <summary>Chooses the address of a client of a library.</summary>
    /// <param name="given">A path, or <c>ssh://[user@]host[:port][/path]</c>; null or empty for the environment or the default.</param>
    /// <exception cref="FormatException">It begins with <c>ssh://</c> and is not such an address.</exception>
    public static DaemonAddress Choose(string? given)
    {
        if (NonEmpty(given) is { } address)
            return address.StartsWith(SshHost.Scheme, StringComparison.Ordinal) ? Remote(address) : new(null, address, 0);
        return NonEmpty(Environment.GetEnvironmentVariable(SshHost.Variable)) is { } host
            ? new(SshHost.Parse(host), "", 0)
            : new(null, ChooseSocketPath(null), 0);
    }

    /// <summary>Chooses the address of the command. A path together with a host is that of the socket there.</summary>
    /// <param name="host">The host; null for the environment, empty for this machine.</param>
    /// <param name="socketPath">The path of the socket; null or empty for the environment or the default.</param>
    /// <param name="daemonUid">The uid of the process that must listen; null for any.</param>
    /// <exception cref="FormatException">It is not a host, or the path cannot be passed to one.</exception>
    public static DaemonAddress Choose(string? host, string? socketPath, uint? daemonUid)
    {
        if (NonEmpty(host ?? Environment.GetEnvironmentVariable(SshHost.Variable)) is not { } remote)
            return new(null, ChooseSocketPath(socketPath), daemonUid);
        SshHost parsed = SshHost.Parse(remote);
        Demand(socketPath ?? "");
        return new(parsed, socketPath ?? "", daemonUid);
    }

    /// <summary>Returns the path of the socket on this machine: the given one, else that of the environment, else the default.</summary>
    public static string ChooseSocketPath(string? socketPath) => NonEmpty(socketPath)
        ?? NonEmpty(Environment.GetEnvironmentVariable(ClientProtocol.SocketVariable))
        ?? ClientProtocol.DefaultSocketPath;

    /// <summary>Returns the arguments for ssh(1).</summary>
    /// <param name="mayPrompt">Whether ssh may ask for a password or about a key on the terminal.</param>
    public string[] SshArguments(bool mayPrompt)
    {
        SshHost host = Host ?? throw new InvalidOperationException("the daemon is on this machine");
        string[] port = host.Port is { } number ? ["-p", number.ToString(CultureInfo.InvariantCulture)] : [];
        string[] user = host.User is { } name ? ["-l", name] : [];
        string[] batch = mayPrompt ? [] : ["-o", "BatchMode=yes"];
        string[] socket = SocketPath.Length > 0 ? [$"--socket={SocketPath}"] : [];
        string[] uid = DaemonUid == 0 ? [] : [$"--daemon-uid={DaemonUid?.ToString(CultureInfo.InvariantCulture) ?? "any"}"];
        return [.. port, .. user, "-T", "-e", "none", .. batch, "--", host.Name, "pipeforkas", "dial", .. socket, .. uid];
    }

    private static DaemonAddress Remote(string address)
    {
        int slash = address.IndexOf('/', SshHost.Scheme.Length);
        string path = slash < 0 || slash + 1 == address.Length ? "" : address[slash..];
        Demand(path);
        return new(SshHost.Parse(slash < 0 ? address : address[..slash]), path, 0);
    }

    private static void Demand(string path)
    {
        if (path.Length > MaxSocketPath || !path.All(letter => char.IsAsciiLetterOrDigit(letter) || Unquoted.Contains(letter)))
        {
            throw new FormatException(
                $"\"{UntrustedText.Excerpt(path)}\" cannot be the path of a socket on another host: it may have {MaxSocketPath} "
                + $"characters, a-z, A-Z, 0-9 and {Unquoted}");
        }
    }

    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
