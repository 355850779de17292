using System.Buffers.Text;
using System.Text;

namespace PipeForkAs.Files.Tests.Harness;

/// <summary>Addresses of the page, made without its code.</summary>
internal static class Addresses
{
    public static string Encode(string path) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(path));

    public static string Folder(string path) => $"/files/{Encode(path)}/";

    public static string File(string path) => $"/files/{Encode(path)}";

    public static string Of(string kind, string path) => $"/{kind}/{Encode(path)}";
}
