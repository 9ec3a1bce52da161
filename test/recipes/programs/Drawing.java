import java.awt.Graphics2D;
import java.awt.GraphicsEnvironment;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import javax.imageio.ImageIO;

/** Draws text without a screen, and writes the picture. */
public class Drawing {
    public static void main(String[] args) throws Exception {
        int fonts = GraphicsEnvironment.getLocalGraphicsEnvironment().getAvailableFontFamilyNames().length;
        BufferedImage image = new BufferedImage(100, 30, BufferedImage.TYPE_INT_RGB);
        Graphics2D graphics = image.createGraphics();
        graphics.drawString("Grüße", 5, 20);
        int drawn = 0;
        for (int pixel : image.getRGB(0, 0, 100, 30, null, 0, 100)) if ((pixel & 0xffffff) != 0) drawn++;
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        boolean written = ImageIO.write(image, "png", file) && ImageIO.write(image, "jpg", file);
        System.out.println((fonts > 5) + " " + (drawn > 50) + " " + written);
    }
}
