using System.Collections;

namespace PipeForkAs.StockJobs;

/// <summary>The job <c>environment</c>: returns the variables as env(1) lists them, in order.</summary>
internal static class EnvironmentVariables
{
    public static string List()
    {
        var lines = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            lines.Add($"{(string)variable.Key}={(string?)variable.Value}\n");
        lines.Sort(StringComparer.Ordinal);
        return string.Concat(lines);
    }
}
