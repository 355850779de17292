using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>The user as a request names it: by uid, which a text of digits always is, or by name.</summary>
internal readonly record struct UserSelector
{
    private UserSelector(UserId? uid, string? name)
    {
        Uid = uid;
        Name = name;
    }

    /// <summary>The uid; null if the request gives a name.</summary>
    public UserId? Uid { get; }

    /// <summary>The name; null if the request gives a uid.</summary>
    public string? Name { get; }

    /// <summary>Reads the user of a request, whose form was already checked.</summary>
    public static UserSelector Parse(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) ? ById(new UserId(uid)) : new(null, text);

    public static UserSelector ById(UserId uid) => new(uid, null);

    public override string ToString() => Name ?? Uid.ToString()!;
}
