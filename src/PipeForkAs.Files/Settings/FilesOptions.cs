using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace PipeForkAs.Files.Settings;

/// <summary>The configuration of the page: a JSON file, each key of which has a default.</summary>
internal sealed record FilesOptions
{
    /// <summary>The loopback address and port of the page. Ignored if systemd passes sockets.</summary>
    public string Listen { get; set; } = "127.0.0.1:8123";

    /// <summary>The socket of the daemon; null for the client library's default.</summary>
    public string? Socket { get; set; }

    /// <summary>The heading of each page.</summary>
    public string Title { get; set; } = "Files";

    /// <summary>The minutes without a request after which a session ends: 1 to 1440.</summary>
    public int IdleMinutes { get; set; } = 30;

    /// <summary>The most sessions at once, 1 to 100,000.</summary>
    public int MaxSessions { get; set; } = 2000;

    /// <summary>The most sessions of one user, 1 to 1000; another sign-in ends the oldest one.</summary>
    public int MaxSessionsPerUser { get; set; } = 20;

    /// <summary>The most requests of one user that are in progress, 1 to 100; others wait. Each can be a job of the daemon, which allows
    /// the page Limits:MaxJobsPerUid for all users together. Two of them are never downloads or uploads.
    /// </summary>
    public int MaxRequestsPerUser { get; set; } = 8;

    /// <summary>The proxy that authenticates users; null if they sign in here.</summary>
    public ProxyOptions? Proxy { get; set; }

    /// <summary>The parsed value of <see cref="Listen"/>.</summary>
    [JsonIgnore]
    public IPEndPoint Address => IPEndPoint.TryParse(Listen, out IPEndPoint? address) && IPAddress.IsLoopback(address.Address)
        ? address
        : throw new OptionsException(
            $"Listen is \"{Listen}\", which is not a loopback address with a port; put a proxy with TLS before the page");

    /// <summary>Reads and checks a file.</summary>
    /// <exception cref="OptionsException">The file cannot be read, or has a wrong value.</exception>
    public static FilesOptions Read(string path)
    {
        try
        {
            return Parse(File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OptionsException($"{path} cannot be read: {failure.Message}", failure);
        }
        catch (OptionsException failure)
        {
            throw new OptionsException($"{path}: {failure.Message}", failure);
        }
    }

    /// <summary>Parses and checks a configuration.</summary>
    /// <exception cref="OptionsException">It is not JSON, has an unknown key, or has a wrong value.</exception>
    public static FilesOptions Parse(ReadOnlySpan<byte> json)
    {
        try
        {
            FilesOptions options = JsonSerializer.Deserialize(json, OptionsJson.Default.FilesOptions)
                ?? throw new OptionsException("the configuration is null");
            options.Check();
            return options;
        }
        catch (JsonException failure)
        {
            throw new OptionsException($"the configuration is not valid: {failure.Message}", failure);
        }
    }

    private void Check()
    {
        _ = Address;
        CheckRange(nameof(IdleMinutes), IdleMinutes, 1440);
        CheckRange(nameof(MaxSessions), MaxSessions, 100_000);
        CheckRange(nameof(MaxSessionsPerUser), MaxSessionsPerUser, 1000);
        CheckRange(nameof(MaxRequestsPerUser), MaxRequestsPerUser, 100);
        if (Proxy is { } proxy && (proxy.User.Length == 0 || !IsHeaderName(proxy.Header)))
            throw new OptionsException("Proxy needs User, the account of the proxy, and Header, the name of a header");
    }

    private static void CheckRange(string name, int value, int most)
    {
        if (value < 1 || value > most)
            throw new OptionsException($"{name} is {value}; give 1 to {most}");
    }

    private static bool IsHeaderName(string name) =>
        name.Length > 0 && name.All(character => char.IsAsciiLetterOrDigit(character) || character == '-');
}

/// <summary>A proxy that authenticates users.</summary>
internal sealed record ProxyOptions
{
    /// <summary>The account that the proxy's processes run as: a header of a connection from any other account is not believed.</summary>
    public required string User { get; set; }

    /// <summary>The header that has the name of the user.</summary>
    public string Header { get; set; } = "X-Remote-User";
}

/// <summary>A configuration is wrong.</summary>
internal sealed class OptionsException(string message, Exception? cause = null) : Exception(message, cause);

[JsonSourceGenerationOptions(
    AllowTrailingCommas = true, ReadCommentHandling = JsonCommentHandling.Skip, AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(FilesOptions))]
internal sealed partial class OptionsJson : JsonSerializerContext;
