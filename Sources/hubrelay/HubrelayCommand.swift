@main
struct HubrelayCommand {
    static func main() {}
}
