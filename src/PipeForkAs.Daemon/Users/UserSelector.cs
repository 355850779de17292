using System.Globalization;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Users;

/// <summary>How a request names a user: by uid, which all digits always are, or by name.</summary>
internal readonly record struct UserSelector
{
    private UserSelector(UserId? uid, string? name)
    {
        Uid = uid;
        Name = name;
    }

    /// <summary>The uid; null where it is a name.</summary>
    public UserId? Uid { get; }

    /// <summary>The name; null where it is a uid.</summary>
    public string? Name { get; }

    /// <summary>Reads what a request says; its form was checked when the request was.</summary>
    public static UserSelector Parse(string text) =>
        uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint uid) ? ById(new UserId(uid)) : new(null, text);

    public static UserSelector ById(UserId uid) => new(uid, null);

    public override string ToString() => Name ?? Uid.ToString()!;
}
