using Microsoft.Extensions.Logging;

namespace PipeForkAs.Daemon.Configuration;

/// <summary>
/// Checks the logging keys, which Microsoft.Extensions.Logging reads. A level that it does not know would make the start fail.
/// </summary>
internal static class LoggingCheck
{
    private const string Levels = "LogLevel";

    /// <summary>Returns the problem of a value, or null.</summary>
    /// <param name="key">A key below <c>Logging</c>.</param>
    /// <param name="value">The value of the key.</param>
    public static string? Problem(string key, string? value)
    {
        string[] parts = key.Split(':');
        int place = IsLevels(parts, 1) ? 1 : IsLevels(parts, 2) ? 2 : 0;
        if (place == 0 || string.IsNullOrEmpty(value))
            return null;
        if (parts.Length == place + 1)
            return "must be an object of categories; write { \"Default\": \"Information\" }";
        return Enum.TryParse(value, ignoreCase: true, out LogLevel level) && Enum.IsDefined(level)
            ? null
            : $"\"{value}\" is not a level; write one of {string.Join(", ", Enum.GetNames<LogLevel>())}";
    }

    private static bool IsLevels(string[] parts, int place) =>
        parts.Length > place && string.Equals(parts[place], Levels, StringComparison.OrdinalIgnoreCase);
}
