using System.Globalization;

using PipeForkAs.Protocol;

namespace PipeForkAs.Client.Exchanges;

/// <summary>A host that ssh(1) reaches: <c>[user@]host[:port]</c>, an IPv6 address in brackets if a port follows or not.</summary>
/// <param name="User">The account to log in as; null if the configuration of ssh decides.</param>
/// <param name="Name">The name for ssh: a host name, an address, or a name in the configuration of ssh.</param>
/// <param name="Port">The port, 1 to 65535; null if the configuration of ssh decides.</param>
internal sealed record SshHost(string? User, string Name, int? Port)
{
    /// <summary>The environment variable that selects a host.</summary>
    public const string Variable = "PIPEFORKAS_HOST";

    /// <summary>The beginning of an address of a host.</summary>
    public const string Scheme = "ssh://";

    private const string Form = "a host is [user@]host[:port], an IPv6 address in brackets";

    /// <summary>What OpenSSH 9.6 refuses in names, because its configuration may pass them to a shell: CVE-2023-51385.</summary>
    private const string OfShells = "'`\"$\\;&<>|(){},";

    /// <summary>Reads a host.</summary>
    /// <param name="text">The host, also with <see cref="Scheme"/> before it.</param>
    /// <exception cref="FormatException">It is not a host; the message says why.</exception>
    public static SshHost Parse(string text)
    {
        string rest = text.StartsWith(Scheme, StringComparison.Ordinal) ? text[Scheme.Length..] : text;
        int at = rest.LastIndexOf('@');
        string? user = at < 0 ? null : rest[..at];
        rest = rest[(at + 1)..];
        (string name, string? port) = Split(rest, text);
        if (user is not null)
            Demand(user, "user", text);
        Demand(name, "host", text);
        return new SshHost(user, name, port is null ? null : PortNumber(port, text));
    }

    /// <summary>The host as a text for <see cref="Parse"/>.</summary>
    public override string ToString()
    {
        string name = Name.Contains(':', StringComparison.Ordinal) ? $"[{Name}]" : Name;
        return (User is null ? "" : User + "@") + name + (Port is { } port ? string.Create(CultureInfo.InvariantCulture, $":{port}") : "");
    }

    private static (string Name, string? Port) Split(string rest, string text)
    {
        if (rest.StartsWith('['))
        {
            int end = rest.IndexOf(']', StringComparison.Ordinal);
            if (end < 0 || !rest[1..end].Contains(':', StringComparison.Ordinal) || (end + 1 < rest.Length && rest[end + 1] != ':'))
                throw Wrong(text, Form);
            return (rest[1..end], end + 1 < rest.Length ? rest[(end + 2)..] : null);
        }

        string[] parts = rest.Split(':');
        return parts.Length <= 2 ? (parts[0], parts.Length == 2 ? parts[1] : null) : throw Wrong(text, Form);
    }

    private static void Demand(string name, string what, string text)
    {
        if (name.Length == 0)
            throw Wrong(text, $"it has no {what}; {Form}");
        if (name[0] == '-')
            throw Wrong(text, $"the {what} begins with '-', as an option does");
        if (name.Any(letter => letter is <= ' ' or > '~' || OfShells.Contains(letter, StringComparison.Ordinal)))
            throw Wrong(text, $"the {what} has a character that ssh does not allow; {Form}");
    }

    private static int PortNumber(string port, string text) =>
        int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number is >= 1 and <= 65535
            ? number
            : throw Wrong(text, "the port must be 1 to 65535");

    private static FormatException Wrong(string text, string problem) => new($"\"{UntrustedText.Excerpt(text)}\" is not a host: {problem}");
}
