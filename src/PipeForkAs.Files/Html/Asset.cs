using System.Security.Cryptography;

namespace PipeForkAs.Files.Html;

/// <summary>A file of the page itself, in the executable. Its URL changes with its content, so that browsers keep it.</summary>
internal sealed class Asset
{
    private Asset(string name, string type)
    {
        using Stream resource = typeof(Asset).Assembly.GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"the executable has no resource {name}");
        using var copy = new MemoryStream();
        resource.CopyTo(copy);
        Content = copy.ToArray();
        Type = type;
        Path = $"/assets/{Convert.ToHexStringLower(SHA256.HashData(Content))[..12]}/{name}";
    }

    /// <summary>The style sheet.</summary>
    public static Asset Style { get; } = new("files.css", "text/css; charset=utf-8");

    /// <summary>The script.</summary>
    public static Asset Script { get; } = new("files.js", "text/javascript; charset=utf-8");

    /// <summary>The icon.</summary>
    public static Asset Icon { get; } = new("icon.svg", "image/svg+xml");

    /// <summary>All of them.</summary>
    public static Asset[] All { get; } = [Style, Script, Icon];

    /// <summary>The bytes.</summary>
    public byte[] Content { get; }

    /// <summary>The media type.</summary>
    public string Type { get; }

    /// <summary>The path in the URL.</summary>
    public string Path { get; }
}
