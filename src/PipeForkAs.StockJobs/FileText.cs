using System.Text.Json;
using PipeForkAs.LibC;

namespace PipeForkAs.StockJobs;

/// <summary>The attributes of a file as text.</summary>
internal static class FileText
{
    public static string KindOf(FileStatus status) => JsonNamingPolicy.KebabCaseLower.ConvertName(status.Kind.ToString());

    public static string ModeOf(FileStatus status) => Convert.ToString(status.Permissions, 8).PadLeft(4, '0');
}
